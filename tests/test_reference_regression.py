"""R's results on real data, every key of ten files: regressions, weights, differences in differences, quantiles, closed forms.

A key of a file is either covered (a function here gives our values in the same shape) or listed with the reason why not.
"""

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t

from ldeval.stats.binary import aipw, logistic, standardised_risk
from ldeval.stats.costs import acceptability, discount
from ldeval.stats.counts import fixed_effects_poisson, interrupted_time_series, negative_binomial, poisson
from ldeval.stats.durations import quantile_regression
from ldeval.stats.linear import linear
from ldeval.stats.sensitivity import e_value
from ldeval.stats.weights import balance, entropy_weights, propensity_weights

HERE = Path(__file__).parent.parent / "data" / "reference"
ESTIMATE = 1e-6
"""Relative, of estimates and standard errors: R's own iterations stop near 1e-8."""
STATISTIC = 1e-5
"""Relative, of z and t: the errors of estimate and standard error together, and R's ten printed digits."""
FILES = (
    "crime1",
    "randhie",
    "arrests",
    "lalonde_matchit",
    "injury_did",
    "castle",
    "traffic2_its",
    "quantreg",
    "closed_forms",
    "health_econ",
)


@cache
def reference(file):
    return json.loads((HERE / f"{file}.json").read_text(encoding="utf-8"))


@cache
def data(name):
    return pd.read_csv(HERE / "data" / f"{name}.csv")


def with_intercept(columns):
    table = pd.DataFrame(columns).astype(float)
    table.insert(0, "(Intercept)", 1.0)
    return table


def r_table(fit, statistic="z", rows=None):
    """Lay a fit out as R's coefficient table."""
    table = fit.tidy().iloc[:rows]
    return [
        {
            "term": row.term,
            "Estimate": row.estimate,
            "Std. Error": row.se,
            f"{statistic} value": row.estimate / row.se,
            f"Pr(>|{statistic}|)": row.p_value,
        }
        for row in table.itertuples()
    ]


# ---- crime1 and randhie


def crime1():
    table = data("crime1")
    columns = ["pcnv", "avgsen", "tottime", "ptime86", "qemp86", "inc86", "black", "hispan", "born60"]
    return table["narr86"], with_intercept(table[columns])


def randhie():
    from statsmodels.datasets import randhie

    table = randhie.load_pandas().data
    return table.iloc[:, 0], with_intercept(table.iloc[:, 1:])


def negbin(y, X):
    fit = negative_binomial(y, X)
    return {
        "n": fit.n,
        "coef": r_table(fit),
        "theta": 1 / fit.alpha,
        "alpha": fit.alpha,
        "SE.theta": fit.alpha_se / fit.alpha**2,
        "loglik": fit.loglik,
        "aic": 2 * (len(fit.names) + 1) - 2 * fit.loglik,
    }


def pearson():
    y, X = crime1()
    mean = poisson(y, X).fitted
    return float(((y - mean) ** 2 / mean).sum() / (len(y) - X.shape[1]))


# ---- arrests


def arrests():
    table = data("Arrests")
    X = pd.DataFrame({"colourWhite": table.colour == "White", "age": table.age, "sexMale": table.sex == "Male"})
    X = with_intercept(X.assign(employedYes=table.employed == "Yes", citizenYes=table.citizen == "Yes", checks=table.checks))
    return (table.released == "Yes").astype(float), X


def fox():
    table, white = data("Arrests"), data("Arrests").colour == "White"
    years = range(1998, 2003)
    X = {
        "employedYes": table.employed == "Yes",
        "citizenYes": table.citizen == "Yes",
        "checks": table.checks,
        "colourWhite": white,
    }
    X |= {f"yearf{year}": table.year == year for year in years} | {"age": table.age}
    X |= {f"colourWhite:yearf{year}": white & (table.year == year) for year in years} | {"colourWhite:age": white * table.age}
    return logistic(arrests()[0], with_intercept(X))


def clustered_by_year(small_sample):
    return r_table(logistic(*arrests(), cluster=data("Arrests").year, small_sample=small_sample))


def marginal_effect():
    y, X = arrests()
    rest = X.drop(columns="colourWhite")
    plain = standardised_risk(y, X["colourWhite"], rest, estimand="ATE").tidy().set_index("term")
    robust = standardised_risk(y, X["colourWhite"], rest, estimand="ATE", cluster=range(len(y))).tidy().set_index("term")
    return {
        "ame": plain.estimate["risk_difference"],
        "mean1": plain.estimate["risk_treated"],
        "mean0": plain.estimate["risk_control"],
        "ratio": math.exp(plain.estimate["log_risk_ratio"]),
        "se": plain.se["risk_difference"],
        "se_hc0": robust.se["risk_difference"],
    }


def crosstab():
    table = data("Arrests").groupby(["released", "colour"]).size()
    return [{"Var1": colour, "Var2": released, "Freq": int(count)} for (released, colour), count in table.items()]


# ---- lalonde


def lalonde():
    table = data("lalonde_matchit")
    X = pd.DataFrame(
        {"age": table.age, "educ": table.educ, "racehispan": table.race == "hispan", "racewhite": table.race == "white"}
    )
    return table.re78, table.treat, with_intercept(X.join(table[["married", "nodegree", "re74", "re75"]]))


def arms(treated):
    return with_intercept({"treat": treated})


def weighted_difference(estimand):
    """R's `svyglm` sums over rows as clusters with n / (n - 1), between HC0 and HC1, and takes t with n - 2."""
    y, treated, X = lalonde()
    fit = linear(y, arms(treated), weights=propensity_weights(treated, X, estimand=estimand))
    factor = math.sqrt(len(y) / (len(y) - 1))
    rows = r_table(fit, "t")
    scaled = [row | {"Std. Error": row["Std. Error"] * factor, "t value": row["t value"] / factor} for row in rows]
    return [row | {"Pr(>|t|)": 2 * student_t.sf(abs(row["t value"]), len(y) - 2)} for row in scaled]


def entropy_balancing():
    y, treated, X = lalonde()
    weights = entropy_weights(treated, X)
    fit = linear(y, arms(treated), weights=weights)
    return {
        "att": fit.coefficients[1],
        "ess_control": weights.effective_sample_size()["control"],
    }


def doubly_robust(estimand):
    y, treated, X = lalonde()
    table = aipw(y, treated, X, estimand=estimand).tidy().set_index("term")
    return {"est": table.estimate["mean_difference"], "se": table.se["mean_difference"]}


def standardised_means(rows):
    y, treated, X = lalonde()
    one, zero = (X @ linear(y[treated == arm], X[treated == arm]).coefficients for arm in (1, 0))
    return (one - zero)[rows].mean()


def balance_before():
    _, treated, X = lalonde()
    score = propensity_weights(treated, X).score
    columns = X.drop(columns="(Intercept)").assign(
        distance=score, raceblack=(data("lalonde_matchit").race == "black").astype(float)
    )
    table = balance(treated, columns).set_index("term")
    names = {"mean_treated": "Means Treated", "mean_control": "Means Control", "smd": "Std. Mean Diff."}
    names |= {"variance_ratio": "Var. Ratio", "ecdf_mean": "eCDF Mean"}
    order = [row["_row"] for row in reference("lalonde_matchit")["nn"]["balance_before"]]
    rows = table.loc[order, list(names)].rename(columns=names).astype(object).where(lambda t: t.notna(), None)
    return [row | {"_row": name} for name, row in zip(order, rows.to_dict("records"), strict=True)]


# ---- differences in differences and series


def injury(state):
    table = data("injury").query(f"{state} == 1")
    X = with_intercept({"afchnge": table.afchnge, "highearn": table.highearn, "afchnge:highearn": table.afchnge * table.highearn})
    return table.ldurat, X


def r_squared():
    y, X = injury("ky")
    return 1 - ((y - linear(y, X).fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum()


def castle(**dummies):
    table = data("cd_castle")
    columns = [table[["post"]], pd.get_dummies(table.year, prefix="year").iloc[:, 1:]]
    columns += [pd.get_dummies(table.sid, prefix="state")] if dummies.get("states", True) else []
    return table, pd.concat(columns, axis=1).astype(float)


def two_way(weighted):
    table, X = castle()
    weights = table.popwt if weighted else None
    row = linear(table.l_homicide, X, weights=weights, cluster=table.sid, small_sample="CR1").tidy().iloc[0]
    return {"coef": row.estimate, "se_cl": row.se}


def two_way_bias_reduced():
    table, X = castle()
    fit = linear(table.l_homicide, X, cluster=table.sid, small_sample="CR2")
    row = fit.tidy().iloc[0]
    found = {"Coef": "post", "beta": row.estimate, "SE": row.se, "tstat": row.estimate / row.se}
    return found | {"df_Satt": fit.df[0], "p_Satt": row.p_value}


def state_effects():
    """Homicides a head, by population; R's correction counts the states' dummies: the error comes from the fit with them."""
    table, X = castle()
    fit = poisson(table.homicide * table.popwt, X, exposure=table.popwt, cluster=table.sid, small_sample="CR1")
    within = fixed_effects_poisson(
        table.homicide * table.popwt, castle(states=False)[1], unit=table.sid, exposure=table.popwt, cluster=table.sid
    )
    return {"coef": within.coefficients[0], "se": fit.tidy().se[0]}


def traffic():
    table = data("traffic2")
    months = ["feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    return table, table[["t", "wkends", "unem", "spdlaw", "beltlaw", *months]].assign(intercept=1.0)


def accidents(fit, statistic="t", **options):
    """Take the log here: the data set's own column holds it in single precision."""
    table, X = traffic()
    return r_table(fit(np.log(table.totacc), X, **options), statistic, rows=5)


def durbin_watson():
    table, X = traffic()
    residual = np.log(table.totacc) - linear(np.log(table.totacc), X).fitted
    return (np.diff(residual) ** 2).sum() / (residual**2).sum()


# ---- quantiles


def engel():
    table = data("sm_engel")
    X = with_intercept({"income": table.income})
    rows = []
    for row in reference("quantreg")["engel"]:
        fits = {errors: quantile_regression(table.foodexp, X, q=row["tau"], errors=errors) for errors in ("nid", "iid", "ker")}
        found = {"tau": row["tau"], "coef": fits["nid"].coefficients}
        found |= {f"se_{errors}": fit.tidy()["se"] for errors, fit in fits.items()}
        rows.append(found)
    return rows


def uis():
    table = data("uis")
    X = with_intercept(table[["ND1", "ND2", "IV3", "TREAT", "FRAC", "RACE", "AGE", "SITE"]])
    return table, X.assign(**{"AGE:SITE": X.AGE * X.SITE})


def uis_quantiles():
    table, X = uis()
    fits = {row["tau"]: quantile_regression(np.log(table.TIME), X, q=row["tau"]) for row in reference("quantreg")["uis"]}
    return [
        {"tau": tau, "term": list(fit.names), "coef": fit.coefficients, "se_nid": fit.tidy()["se"]} for tau, fit in fits.items()
    ]


# ---- closed forms and published cost models


def e_values():
    harm, good = e_value(3.9, 1.8, 8.7, measure="risk_ratio"), e_value(0.69, 0.5, 0.96, measure="risk_ratio")
    return {"RR3.9_lo1.8": [harm.estimate, harm.bound], "RR0.69_hi0.96": [good.estimate, good.bound]}


def note(key):
    return {"note": reference("closed_forms")[key]["note"]}


def normal_decision():
    """A saving of mean 1,000 and standard deviation 2,000, as a million evenly spaced quantiles in place of random draws."""
    from scipy.special import ndtri

    return acceptability(1000 + 2000 * ndtri((np.arange(1_000_000) + 0.5) / 1_000_000)).iloc[0]


def annuity():
    end, start = (discount(np.ones(10), rate=0.035, timing=timing) for timing in ("end", "start"))
    return {"r": 0.035, "years": 10, "pv_1_per_year_end": end, "pv_start": start}


@cache
def cohort(treatment_b):
    """Alarid-Escudero et al. (2023): healthy, sick, sicker, dead over 75 years."""
    to_sicker = 1 - np.exp(-0.105 * (0.6 if treatment_b else 1))
    dying = [1 - np.exp(-0.002 * ratio) for ratio in (1, 3, 10)]
    sick, well = 1 - np.exp(-0.15), 1 - np.exp(-0.5)
    move = np.diag([0.0, 0, 1 - dying[2], 1])
    move[0] = [(1 - dying[0]) * (1 - sick), (1 - dying[0]) * sick, 0, dying[0]]
    move[1] = [(1 - dying[1]) * well, (1 - dying[1]) * (1 - well - to_sicker), (1 - dying[1]) * to_sicker, dying[1]]
    move[2, 3] = dying[2]
    return np.array([np.linalg.matrix_power(move, t)[0] for t in range(76)])


def within_cycle(kind):
    if kind == "simpson":
        weight = np.where(np.arange(76) % 2, 2 / 3, 4 / 3)
        weight[[0, -1]] = 1 / 3
        return weight
    weight = np.ones(76)
    if kind == "half_cycle":
        weight[[0, -1]] = 0.5
    return weight


def sick_sicker(kind):
    rows = []
    for name in ("SoC", "A", "B", "AB"):
        price, better = 12000 * ("A" in name) + 13000 * ("B" in name), 0.95 if "A" in name else 0.75
        cost = np.array([2000, 4000 + price, 15000 + price, 0])
        state = cohort("B" in name)
        flows = {"cost": state @ cost, "qaly": state @ np.array([1, better, 0.5, 0])}
        rows.append({key: discount(flow * within_cycle(kind), rate=0.03, timing="start") for key, flow in flows.items()})
        rows[-1]["_row"] = name
    return rows


def ratio(one, other):
    rows = {row["_row"]: row for row in sick_sicker("simpson")}
    return (rows[one]["cost"] - rows[other]["cost"]) / (rows[one]["qaly"] - rows[other]["qaly"])


def chancellor(digits=3):
    """Chancellor et al. (1997): transition counts of HIV by year, rounded; lamivudine halves progress for two years."""
    counts = np.array([[1251, 350, 116, 17], [0, 731, 512, 15], [0, 0, 1312, 437]])
    alone = np.vstack([(counts / counts.sum(axis=1, keepdims=True)).round(digits), [0, 0, 0, 1]])
    both = alone.copy()
    for i in range(3):
        both[i, i + 1 :] *= 0.509
        both[i, i] = 1 - both[i, i + 1 :].sum()
    care = np.array([2756, 3052, 9007, 0])
    found = {}
    for name, early in (("mono", alone), ("combo", both)):
        state, cost, years = np.array([1.0, 0, 0, 0]), [], []
        for year in range(1, 21):
            state = state @ (early if year <= 2 else alone)
            drug = 2278 + (2086.5 if name == "combo" and year <= 2 else 0)
            cost.append(state @ care + drug * state[:3].sum())
            years.append(state[:3].sum())
        found[name] = {"cost": discount(cost, rate=0.06), "ly": discount(years, rate=0)}
    gain = found["combo"]["ly"] - found["mono"]["ly"]
    return found | {"icer": (found["combo"]["cost"] - found["mono"]["cost"]) / gain}


COVERED = {
    "crime1/n": lambda: len(data("crime1")),
    "crime1/ols": lambda: r_table(linear(*crime1()), "t"),
    "crime1/poisson": lambda: r_table(poisson(*crime1())),
    "crime1/poisson_hc0": lambda: r_table(poisson(*crime1(), robust="HC0")),
    "crime1/loglik": lambda: poisson(*crime1()).loglik,
    "crime1/sigma2_quasi": pearson,
    "crime1/sigma2_published_pearson": pearson,
    "crime1/negbin": lambda: negbin(*crime1()),
    "crime1/logit_any": lambda: r_table(logistic((crime1()[0] > 0).astype(float), crime1()[1])),
    "crime1/lpm_hc1": lambda: r_table(linear((crime1()[0] > 0).astype(float), crime1()[1], robust="HC1"), "t"),
    "randhie/n": lambda: len(randhie()[0]),
    "randhie/poisson": lambda: r_table(poisson(*randhie())),
    "randhie/poisson_hc0": lambda: r_table(poisson(*randhie(), robust="HC0")),
    "randhie/loglik": lambda: poisson(*randhie()).loglik,
    "randhie/negbin": lambda: negbin(*randhie()),
    "randhie/negbin_hc0": lambda: r_table(negative_binomial(*randhie(), robust="HC0")),
    "arrests/n": lambda: len(data("Arrests")),
    "arrests/fox_model": lambda: r_table(fox()),
    "arrests/fox_loglik": lambda: fox().loglik,
    "arrests/simple": lambda: r_table(logistic(*arrests())),
    "arrests/simple_hc0": lambda: r_table(logistic(*arrests(), robust="HC0")),
    "arrests/simple_hc1": lambda: r_table(logistic(*arrests(), robust="HC1")),
    "arrests/simple_hc3": lambda: r_table(logistic(*arrests(), robust="HC3")),
    "arrests/loglik": lambda: logistic(*arrests()).loglik,
    "arrests/cluster_year_HC1": lambda: clustered_by_year("CR1"),
    "arrests/cluster_year_HC0": lambda: clustered_by_year(None),
    "arrests/ame_colour": marginal_effect,
    "arrests/crosstab": crosstab,
    "arrests/rr_modified_poisson": lambda: {"coef": r_table(poisson(*arrests(), robust="HC0"))},
    "lalonde_matchit/n": lambda: len(data("lalonde_matchit")),
    "lalonde_matchit/naive": lambda: r_table(linear(lalonde()[0], arms(lalonde()[1])), "t"),
    "lalonde_matchit/ols": lambda: ols_with_treatment(),
    "lalonde_matchit/ps_coef": lambda: r_table(logistic(*lalonde()[1:])),
    "lalonde_matchit/ps_first5": lambda: propensity_weights(*lalonde()[1:]).score[:5],
    "lalonde_matchit/nn/balance_before": balance_before,
    "lalonde_matchit/ipw_att": lambda: weighted_difference("ATT"),
    "lalonde_matchit/ipw_ate": lambda: weighted_difference("ATE"),
    "lalonde_matchit/overlap_ato": lambda: weighted_difference("overlap"),
    "lalonde_matchit/ess_att": lambda: propensity_weights(*lalonde()[1:]).effective_sample_size(),
    "lalonde_matchit/entropy_balancing": entropy_balancing,
    "lalonde_matchit/aipw_ate": lambda: doubly_robust("ATE"),
    "lalonde_matchit/aipw_att": lambda: doubly_robust("ATT"),
    "lalonde_matchit/gcomp_ate": lambda: standardised_means(slice(None)),
    "lalonde_matchit/gcomp_att": lambda: standardised_means(lalonde()[1] == 1),
    "injury_did/n_ky": lambda: len(injury("ky")[0]),
    "injury_did/did": lambda: r_table(linear(*injury("ky")), "t"),
    "injury_did/hc1": lambda: r_table(linear(*injury("ky"), robust="HC1"), "t"),
    "injury_did/r2": r_squared,
    "injury_did/mi": lambda: r_table(linear(*injury("mi")), "t"),
    "injury_did/rq50": lambda: quantile_regression(data("injury").query("ky == 1").durat, injury("ky")[1]).coefficients,
    "castle/n": lambda: len(data("cd_castle")),
    "castle/twfe_weighted": lambda: two_way(weighted=True),
    "castle/twfe_unweighted/coef": lambda: two_way(weighted=False)["coef"],
    "castle/twfe_unweighted/se_cl": lambda: two_way(weighted=False)["se_cl"],
    "castle/twfe_unweighted/cr2": two_way_bias_reduced,
    "castle/fepois": state_effects,
    "traffic2_its/lm": lambda: accidents(linear),
    "traffic2_its/nw4": lambda: accidents(interrupted_time_series, lags=4),
    "traffic2_its/dw": durbin_watson,
    "traffic2_its/poisson_fatal": lambda: r_table(poisson(traffic()[0].fatacc, traffic()[1]), rows=5),
    "quantreg/engel": engel,
    "quantreg/uis": uis_quantiles,
    "closed_forms/evalue": e_values,
    "closed_forms/evpi_normal": lambda: {"mu1000_sd2000": normal_decision()["evpi"]} | note("evpi_normal"),
    "closed_forms/ceac_normal": lambda: normal_decision()["probability"],
    "closed_forms/annuity": annuity,
    "health_econ/sick_sicker/simpson": lambda: sick_sicker("simpson"),
    "health_econ/sick_sicker/half_cycle": lambda: sick_sicker("half_cycle"),
    "health_econ/sick_sicker/none": lambda: sick_sicker("none"),
    "health_econ/sick_sicker/icer_B_vs_SoC": lambda: ratio("B", "SoC"),
    "health_econ/sick_sicker/icer_AB_vs_B": lambda: ratio("AB", "B"),
    "health_econ/chancellor_hiv/mono": lambda: chancellor()["mono"],
    "health_econ/chancellor_hiv/combo": lambda: chancellor()["combo"],
    "health_econ/chancellor_hiv/icer": lambda: chancellor()["icer"],
}

LISTED = pd.read_csv(HERE / "not_covered.csv", keep_default_na=False)
"""What is not compared, with the reason: keys, and fields of keys. The report prints the same list."""
NOT_COVERED = {row.key: row.reason for row in LISTED.itertuples() if row.key.split("/")[0] in FILES and not row.field}
LEFT_OUT = {key: set(rows.field) for key, rows in LISTED[LISTED.field != ""].groupby("key")}
"""Fields of covered keys that are not compared."""

NEAR = 0.75
"""In standard errors of the median's coefficients: how far R's stepwise censored quantiles may be from the exact path."""

WIDER = {
    # A million evenly spaced quantiles stand for the integral.
    "closed_forms/evpi_normal": 1e-5,
    # MASS::glm.nb leaves theta's iteration at the square root of the usual tolerance and computes its error one step before.
    "crime1/negbin/SE.theta": 1e-5,
    # R's quasi-Poisson takes the Pearson residuals of its last but one iteration; `sigma2_published_pearson` is the exact value.
    "crime1/sigma2_quasi": 1e-6,
    # R's glm stops at a relative change of 1e-8 in the deviance and takes its errors from the step before; see the test below.
    "crime1/logit_any/": 2e-4,
    "lalonde_matchit/ps_coef/": 6e-5,
}


def keys(file):
    """Walk the file down to the keys that are covered or listed; those that are neither come out as they are."""

    def walk(node, path):
        if path in COVERED or path in NOT_COVERED or not isinstance(node, dict):
            return [path]
        return [leaf for key, child in node.items() if key != "source" for leaf in walk(child, f"{path}/{key}")]

    return [
        leaf
        for key, node in reference(file).items()
        if key not in {"meta", "dataset", "source"}
        for leaf in walk(node, f"{file}/{key}")
    ]


@pytest.mark.parametrize("key", [key for file in FILES for key in keys(file)])
def test_reference(key):
    if key in NOT_COVERED:
        return
    node = reference(key.split("/")[0])
    for part in key.split("/")[1:]:
        node = node[part]
    assert key in COVERED, f"{key}: neither covered nor listed with a reason"
    compare(COVERED[key](), without(node, LEFT_OUT.get(key, {})), key)


def without(node, names):
    if isinstance(node, list):
        return [without(row, names) for row in node]
    return {name: value for name, value in node.items() if name not in names} if names else node


def test_censored_quantiles_lie_near_r():
    """R steps along a grid of quantiles; the exact path, the limit of ever finer ones, must lie near its values."""
    table, X = uis()
    theirs = reference("quantreg")["uis_crq_portnoy"]
    scale = quantile_regression(np.log(table.TIME), X).tidy()["se"]
    for tau in theirs["taus"]:
        fit = quantile_regression(np.log(table.TIME), X, q=tau, censored=(table.CENSOR == 0).astype(float), draws=2)
        distance = np.abs(fit.coefficients - [row[f"tau= {tau}"] for row in theirs["coef"]]) / scale
        assert distance.max() < NEAR, tau
        assert np.median(distance) < NEAR / 5, tau


def test_entropy_balancing_leaves_less_than_r():
    _, treated, X = lalonde()
    gap = np.abs(balance(treated, X, entropy_weights(treated, X))["smd"]).max()
    assert gap < min(1e-9, reference("lalonde_matchit")["entropy_balancing"]["max_abs_imbalance"])


def test_lists_hold_only_keys_of_the_files():
    assert set(COVERED) | set(NOT_COVERED) == {key for file in FILES for key in keys(file)}


def compare(ours, theirs, path):
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs), path
        statistic = next((ours[name] for name in ours if name.endswith(" value")), None)
        for name, value in theirs.items():
            if name.startswith("Pr(") or name == "p_Satt":
                compare_p(ours[name], value, ours["tstat"] if statistic is None else statistic, f"{path}/{name}")
            else:
                compare(ours[name], value, f"{path}/{name}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), path
        for place, (mine, value) in enumerate(zip(ours, theirs, strict=True)):
            compare(mine, value, f"{path}/{place}")
    elif theirs is None or isinstance(theirs, str):
        assert ours == theirs, path
    else:
        usual = STATISTIC if path.endswith((" value", "tstat", "df_Satt")) else ESTIMATE
        tolerance = next((wide for prefix, wide in WIDER.items() if path.startswith(prefix)), usual)
        assert ours == pytest.approx(theirs, rel=tolerance, abs=1e-12), path


def test_logistic_errors_are_those_of_a_fit_iterated_to_the_end():
    from statsmodels.api import Logit

    y, X = crime1()
    for outcome, columns in (lalonde()[1:], ((y > 0).astype(float), X)):
        peer = Logit(outcome, columns).fit(disp=0, method="newton", tol=1e-14)
        np.testing.assert_allclose(logistic(outcome, columns).tidy()["se"], peer.bse, rtol=1e-9)


def test_published_costs_of_chancellor():
    found = chancellor(digits=15)
    assert [round(found[arm]["cost"]) for arm in ("mono", "combo")] == [44663, 50602]
    assert [round(found[arm]["ly"], 2) for arm in ("mono", "combo")] == [7.99, 8.94]
    assert round(found["icer"]) == 6276


def compare_p(ours, theirs, statistic, path):
    """A relative error of z times z^2 is what a p-value has from it."""
    tolerance = next((wide for prefix, wide in WIDER.items() if path.startswith(prefix)), STATISTIC)
    assert ours == pytest.approx(theirs, rel=tolerance * (1 + statistic**2), abs=1e-290), path


def ols_with_treatment():
    y, treated, X = lalonde()
    X.insert(1, "treat", treated.astype(float))
    return r_table(linear(y, X, robust="HC3"), "t")  # the file's errors are HC3
