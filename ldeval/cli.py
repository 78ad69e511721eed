"""The command `ldeval`: each command is a line or two over the rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

To = Literal["html", "pdf", "all"]
Renderer = Literal["auto", "quarto", "builtin"]
Twin = Literal["identified", "hidden"]
BookFolder = Annotated[Path, typer.Argument(help="The folder that holds _quarto.yml.", exists=True, file_okay=False)]
ExtractsFolder = Annotated[Path, typer.Argument(help="The folder that holds the extracts.")]
Formats = Annotated[To, typer.Option("--to", help="Which format to write.")]
With = Annotated[Renderer, typer.Option("--renderer", help="auto takes Quarto 1.9 or later where it is on the path.")]
Timeout = Annotated[int, typer.Option("--cell-timeout", min=1, help="Seconds that one cell may run.")]


@app.callback()
def about() -> None:
    """Literate evaluation reports without R: analyse, release, render."""


@app.command()
def link(
    folder: ExtractsFolder,
    model: Annotated[Path | None, typer.Option(help="A trained model.json to use again; else one is trained.")] = None,
) -> None:
    """Say who is who in a folder of extracts; links, model and their quality go into the folder beside it."""
    from ldeval.data.linkage import describe, link_folder
    from ldeval.root import STUDY_FILE, find_root
    from ldeval.study import read_study

    links, written = link_folder(folder.resolve(), read_study(find_root(Path.cwd()) / STUDY_FILE), model, say=typer.echo)
    typer.echo("\n".join([*describe(links), f"{written}: links, model and quality"]))


@app.command()
def features(
    folder: ExtractsFolder,
    link_set: Annotated[int, typer.Option(min=0, max=5, help="0 the best links; 1 to 5 drawn by probability.")] = 0,
) -> None:
    """Reduce linked extracts to cohort, covariates, outcomes, panel and court cohorts, in the folder beside them."""
    from ldeval.data.features import features_of_folder
    from ldeval.root import STUDY_FILE, find_root
    from ldeval.study import read_study

    study = read_study(find_root(Path.cwd()) / STUDY_FILE)
    typer.echo(f"{features_of_folder(folder.resolve(), study, link_set, say=typer.echo)}: features")


@app.command()
def analyse(force: Annotated[bool, typer.Option(help="Run even when no input changed.")] = False) -> None:
    """Run the analyses and release their results into _results/; skipped when no input changed."""
    from ldeval.data.progress import steps
    from ldeval.release.build import analyse as bring_up_to_date
    from ldeval.root import find_root

    with steps() as (say, tell):
        ran = bring_up_to_date(find_root(Path.cwd()), force=force, say=say, tell=tell)
    typer.echo("_results/ made anew" if ran else "_results/ is up to date")


@app.command()
def accept() -> None:
    """Show what moved in the key figures, in standard errors, then take the new values as accepted."""
    from ldeval.data.progress import steps
    from ldeval.release.accepted import accept as take
    from ldeval.release.build import analyse as bring_up_to_date
    from ldeval.root import find_root

    root = find_root(Path.cwd())
    with steps() as (say, tell):
        bring_up_to_date(root, say=say, tell=tell)
    changes = take(root)
    typer.echo("\n".join(map(str, changes)) or "no key figure moved")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A study, its _results, or a rendered report.", exists=True, file_okay=False)],
    new: Annotated[Path, typer.Argument(help="The same, later.", exists=True, file_okay=False)],
    html: Annotated[Path | None, typer.Option(help="Write a page for a reviewer to this file.")] = None,
) -> None:
    """Show what changed between two releases or reports: numbers in standard errors, exhibits, sentences."""
    from ldeval.release.diff import as_text, difference
    from ldeval.release.diff_page import as_html

    found = difference(old, new)
    typer.echo(as_text(found))
    if html is not None:
        html.write_text(as_html(found, str(old), str(new)), encoding="utf-8")


@app.command()
def render(book: BookFolder = Path(), to: Formats = "all", renderer: With = "auto", cell_timeout: Timeout = 600) -> None:
    """Render a Quarto book into its own output folder (HTML and PDF)."""
    from ldeval.publish import render_book

    render_book(book.resolve(), to=to, renderer=renderer, timeout=cell_timeout, say=typer.echo)


@app.command()
def report(renderer: With = "auto", to: Formats = "all", cell_timeout: Timeout = 600) -> None:
    """Build the report: analyse what changed, then render it into _report/ (HTML and PDF)."""
    from ldeval.root import find_root

    analyse()
    render(find_root(Path.cwd()), to=to, renderer=renderer, cell_timeout=cell_timeout)


@app.command()
def simulate(
    to: Annotated[Path, typer.Option("--to", help="Folder for the extracts; who is who goes into the folder beside it.")],
    people: Annotated[int, typer.Option(min=1, help="Expected service users; all else grows with them.")] = 8729,
    twin: Annotated[Twin, typer.Option(help="hidden: the service also picks on need that nobody records.")] = "identified",
    seed: Annotated[int, typer.Option(min=0)] = 1,
    processes: Annotated[int, typer.Option(min=1, help="The bytes written do not depend on it.")] = 2,
) -> None:
    """Write a synthetic twin: extracts of people who do not exist, with effects that are known."""
    from ldeval.data.folders import truth_folder
    from ldeval.data.progress import shown
    from ldeval.data.synthetic import write_twin
    from ldeval.data.synthetic_blocks import Design

    design = Design(twin, seed, people)
    made = shown("Simulating", lambda tell: write_twin(design, to.resolve(), processes=processes, progress=tell))
    typer.echo(f"{to}: {len(made.rows) - 1} extracts, {sum(made.rows.values()):,} rows, sha256 {made.sha256}")
    typer.echo(f"{truth_folder(to)}: who is who, for the tests of linkage alone")


@app.command()
def check(folder: Annotated[Path, typer.Argument(help="The folder that holds the extracts.")]) -> None:
    """Check a folder of extracts; lists every fault of every file and what to do, never a person's value."""
    from ldeval.data.checks import check_folder
    from ldeval.root import STUDY_FILE, find_root
    from ldeval.study import read_study

    faults = check_folder(folder, read_study(find_root(Path.cwd()) / STUDY_FILE), say=lambda text: typer.echo(text, err=True))
    told = f"{len(faults)} fault(s)" if faults else "no fault; ldeval link says next who is who"
    typer.echo("\n".join([*map(str, faults), f"{folder}: {told}"]))
    raise typer.Exit(int(bool(faults)))


@app.command()
def truth(
    twin: Annotated[Twin, typer.Argument()],
    processes: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Compute a twin's true effects from both potential outcomes, and write them into data/truth/ (minutes)."""
    from ldeval.data.progress import shown
    from ldeval.data.truth import TRUTH_FOLDER, compute_truth
    from ldeval.estimate import write_csv

    found = shown("Computing", lambda tell: compute_truth(twin, processes=processes, progress=tell))
    TRUTH_FOLDER.mkdir(exist_ok=True)
    write_csv(found, TRUTH_FOLDER / f"{twin}.csv")
    typer.echo(f"{TRUTH_FOLDER / twin}.csv: {len(found)} truths")


@app.command()
def preview(book: BookFolder = Path(), port: Annotated[int, typer.Option(help="0 takes any free one.")] = 4321) -> None:
    """Serve the report on this machine, rebuild it on change, reload the page; Ctrl-C stops it."""
    from ldeval.publish.preview import preview as serve

    serve(book.resolve(), port=port, say=typer.echo)


def main() -> None:
    """Run the command line; what a user can mend is told without a traceback, with exit code 1."""
    from ldeval.publish.faults import BookError

    try:
        app()
    except (BookError, OSError, RuntimeError, ValueError) as error:
        typer.secho(str(error), err=True)
        raise SystemExit(1) from None
