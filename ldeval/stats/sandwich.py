"""Robust and clustered covariances of generalised linear models, each small-sample rule under its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ldeval.stats import doors
from ldeval.stats._products import cross, sums_by_member
from ldeval.stats._threads import FEW, PARTS, each, stretches
from ldeval.stats.doors import Codes, Floats, Groups
from ldeval.stats.glm import Problem, Solution, gram

Robust = Literal["HC0", "HC1", "HC3"]
SmallSample = Literal["CR1", "CR1-t", "CR2"]


@dataclass(frozen=True, slots=True)
class Errors:
    """A covariance in standard units (p, p), degrees of freedom of t (None: normal), and its description."""

    covariance: Floats
    df: float | Floats | None
    label: str


def check(robust: str | None, cluster: Groups | None, small_sample: str | None) -> None:
    """Refuse options that do not exist or do not go together.

    Raises:
        ValueError: an unknown option; `robust` beside clusters; `small_sample` without clusters.

    """
    doors.choice("robust", robust, (None, *get_args(Robust)))
    doors.choice("small_sample", small_sample, (None, *get_args(SmallSample)))
    if robust is not None and cluster is not None:
        raise ValueError("robust: clusters are given and make the errors robust already; leave one of the two out")
    if small_sample is not None and cluster is None:
        raise ValueError("small_sample: it corrects clustered errors; name the clusters")


def errors(solution: Solution, *, robust: str | None, cluster: Groups | None, small_sample: str | None) -> Errors:
    r"""Give the covariance V = M B M with bread M, the inverse information, and a meat B.

    HC0: B = sum of u_i u_i' over rows, u_i the score of row i (White, 1980, doi:10.2307/1912934); HC1 times n / (n - p); HC3
    divides each residual by 1 - leverage. Clusters: B = sum of u_g u_g' over clusters, no correction (as R's `vcovCL(type =
    "HC0", cadjust = FALSE)`); CR1 times G / (G - 1) (n - 1) / (n - p); CR1-t the same, judged by Student's t with G - 1 degrees
    of freedom; CR2 multiplies each cluster's residuals by (I - H_gg)^(-1/2) under the working variances and takes
    Satterthwaite's degrees of freedom (Bell and McCaffrey, 2002; Pustejovsky and Tipton, 2018,
    doi:10.1080/07350015.2016.1247004). The root is the symmetric one, with weights read as inverse variances: least squares
    without weights equal R's clubSandwich, which takes another root elsewhere. Rows of weight zero do not count.

    Args:
        solution: the fit.
        robust: HC0, HC1 or HC3, without clusters. None is the model's own covariance, or HC0 where the rows carry weights.
        cluster: membership, or None.
        small_sample: None, CR1, CR1-t or CR2.

    Raises:
        ValueError: HC1 or CR1 of no more rows than columns; HC3 where a row alone decides a coefficient; rows of weight above
            zero in fewer than two clusters.

    """
    if cluster is not None:
        return _clustered(solution, cluster, small_sample)
    if robust is None and solution.problem.weights is None:
        return Errors(solution.inverse, None, "model-based")
    return _heteroskedastic(solution, robust or "HC0")


def cluster_sums(posed: Problem, residual: Floats, codes: Codes, count: int) -> Floats:
    """Give the sum of x_i residual_i over each cluster, shape (count, p), in standard units."""

    def part(cut: slice) -> Floats:
        sums = np.zeros((count, len(posed.design.names)))
        for rows, block in posed.blocks(cut):
            each_row = np.arange(len(block) + 1)
            if count <= len(block):
                sums += sums_by_member(residual[rows], codes[rows], each_row, block, count)
            else:
                members, own = np.unique(codes[rows], return_inverse=True)
                sums[members] += sums_by_member(residual[rows], own, each_row, block, len(members))
        return sums

    n = len(codes)
    return np.asarray(sum(each(part, stretches(n) if PARTS * count <= n else [slice(0, n)])))


def used_rows(posed: Problem) -> int:
    """Count the rows whose weight is above zero."""
    return len(posed.y) if posed.weights is None else int(np.count_nonzero(posed.weights))


def _heteroskedastic(solution: Solution, kind: str) -> Errors:
    posed, bread = solution.problem, solution.inverse
    residual, n, p = solution.residual, used_rows(posed), len(posed.design.names)
    if kind == "HC3":
        residual = residual / _slack(solution, bread)
    covariance = bread @ gram(posed, residual**2) @ bread
    if kind == "HC1":
        covariance = covariance * (n / _spare(n, p, kind))
    return Errors(covariance, None, f"robust ({kind})")


def _leverage(solution: Solution, bread: Floats) -> Floats:
    pieces = [np.einsum("ij,jk,ik->i", block, bread, block, optimize=True) for _, block in solution.problem.blocks()]
    return np.concatenate(pieces) * solution.working


def _slack(solution: Solution, bread: Floats) -> Floats:
    slack = np.asarray(1.0 - _leverage(solution, bread))
    if alone := int(np.count_nonzero(slack < 1e-9)):
        raise ValueError(
            f"robust: HC3 expected no row that alone decides a coefficient, found {alone}; ask for HC1 or drop a column"
        )
    return slack


def _spare(n: int, p: int, rule: str) -> int:
    if n <= p:
        raise ValueError(f"X: {rule} expected more rows than columns, found {n} row(s) of weight above zero and {p} column(s)")
    return n - p


def _clustered(solution: Solution, cluster: Groups, small_sample: str | None) -> Errors:
    posed, bread = solution.problem, solution.inverse
    codes, count = _used_clusters(posed, cluster)
    sums = cluster_sums(posed, solution.residual, codes, count)
    if small_sample == "CR2":
        return _bias_reduced(solution, bread, codes, sums)
    scores = sums @ bread
    covariance = scores.T @ scores
    if small_sample is None:
        return Errors(covariance, None, f"clustered ({count} clusters, no small-sample correction)")
    n, p = used_rows(posed), len(posed.design.names)
    covariance = covariance * (count / (count - 1) * (n - 1) / _spare(n, p, small_sample))
    df = float(count - 1) if small_sample == "CR1-t" else None
    return Errors(covariance, df, f"clustered ({count} clusters, {small_sample})")


def _used_clusters(posed: Problem, cluster: Groups) -> tuple[Codes, int]:
    """Give the codes of the clusters that hold a row of weight above zero; rows of weight zero add nothing wherever they go."""
    if posed.weights is None or posed.weights.all():
        return cluster.codes, len(cluster.labels)
    held = np.bincount(cluster.codes, posed.weights > 0, minlength=len(cluster.labels)) > 0
    count = int(held.sum())
    if count < 2:
        raise ValueError(f"cluster: expected at least 2 clusters with rows of weight above zero, found {count}")
    return np.where(held, np.cumsum(held) - 1, 0)[cluster.codes], count


def _bias_reduced(solution: Solution, bread: Floats, codes: Codes, sums: Floats) -> Errors:
    """CR2 from each cluster's p by p information alone: (I - H_gg) acts as the identity outside the columns of X_g."""
    root = np.linalg.cholesky(bread)
    grams = _cluster_grams(solution, codes, len(sums))
    values, vectors = np.linalg.eigh(root.T @ grams @ root)
    basis = root @ vectors
    inside = values > 1e-12
    left = np.where(inside, 1.0 - values, 1.0)
    live = left > 1e-10
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.where(inside, (np.where(live, left**-0.5, 0.0) - 1.0) / values, 0.0)
        whole = np.where(inside, (np.where(live, 1.0 / left, 0.0) - 1.0) / values, 0.0)
    adjusted = sums + _through(grams, basis, half, sums)
    scores = adjusted @ bread
    df = _satterthwaite(bread, grams, basis, half, whole)
    return Errors(scores.T @ scores, df, f"clustered ({len(sums)} clusters, CR2, Satterthwaite's t)")


def _cluster_grams(solution: Solution, codes: Codes, count: int) -> Floats:
    posed, root = solution.problem, np.sqrt(solution.working)

    def gram(rows: Codes) -> Floats:
        block = posed.at(rows) * root[rows][:, None]
        return cross(block, block)

    ends = np.cumsum(np.bincount(codes, minlength=count))
    members = np.split(np.argsort(codes, kind="stable"), ends[:-1])
    return np.array(each(gram, members) if len(codes) > FEW else [gram(rows) for rows in members])


def _through(grams: Floats, basis: Floats, diagonal: Floats, vectors: Floats) -> Floats:
    """Give G_g B_g diag(d_g) B_g' v_g for each cluster g."""
    inner = diagonal * np.einsum("gji,gj->gi", basis, vectors)
    return np.asarray(np.einsum("gij,gj->gi", grams, np.einsum("gij,gj->gi", basis, inner)))


def _satterthwaite(bread: Floats, grams: Floats, basis: Floats, half: Floats, whole: Floats) -> Floats:
    """Give (trace P)^2 / trace(P P) for each coefficient, P the working covariance of the clusters' adjusted scores."""
    df = np.empty(len(bread))
    for j, row in enumerate(bread):
        direction = np.einsum("gij,j->gi", grams, row)
        cross = direction + _through(grams, basis, half, direction)
        own = np.einsum("gi,i->g", direction + _through(grams, basis, whole, direction), row)
        matrix = np.diag(own) - cross @ bread @ cross.T
        df[j] = np.trace(matrix) ** 2 / np.sum(matrix**2)
    return df
