"""The command `ldeval`: each command is a line or two over the rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def about() -> None:
    """Literate evaluation reports without R: analyse, release, render."""


@app.command()
def analyse(force: Annotated[bool, typer.Option(help="Run even when no input changed.")] = False) -> None:
    """Run the analyses and release their results into _results/; skipped when no input changed."""
    from ldeval.release.build import analyse as bring_up_to_date
    from ldeval.study import find_root

    ran = bring_up_to_date(find_root(Path.cwd()), force=force)
    typer.echo("_results/ made anew" if ran else "_results/ is up to date")


@app.command()
def accept() -> None:
    """Show what moved in the key figures, in standard errors, then take the new values as accepted."""
    from ldeval.release.accepted import accept as take
    from ldeval.release.build import analyse as bring_up_to_date
    from ldeval.study import find_root

    root = find_root(Path.cwd())
    bring_up_to_date(root)
    changes = take(root)
    typer.echo("\n".join(map(str, changes)) or "no key figure moved")


def main() -> None:
    """Run the command line."""
    app()
