"""The command `ldeval`: each command is a line or two over the rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

To = Literal["html", "pdf", "all"]
Renderer = Literal["auto", "quarto", "builtin"]
BookFolder = Annotated[Path, typer.Argument(help="The folder that holds _quarto.yml.", exists=True, file_okay=False)]
Formats = Annotated[To, typer.Option("--to", help="Which format to write.")]
With = Annotated[Renderer, typer.Option("--renderer", help="auto takes Quarto 1.9 or later where it is on the path.")]
Timeout = Annotated[int, typer.Option("--cell-timeout", min=1, help="Seconds that one cell may run.")]


@app.callback()
def about() -> None:
    """Literate evaluation reports without R: analyse, release, render."""


@app.command()
def render(book: BookFolder = Path(), to: Formats = "all", renderer: With = "auto", cell_timeout: Timeout = 600) -> None:
    """Render a Quarto book into its own output folder (HTML and PDF)."""
    from ldeval.publish import render_book

    render_book(book.resolve(), to=to, renderer=renderer, timeout=cell_timeout, say=typer.echo)


@app.command("install-quarto")
def install_quarto() -> None:
    """Install Quarto next to this Python, where the network allows its download."""
    from ldeval.publish import quarto

    typer.echo(quarto.install())


def main() -> None:
    """Run the command line; what a user can mend is told without a traceback, with exit code 1."""
    from ldeval.publish.faults import BookError

    try:
        app()
    except (BookError, OSError, RuntimeError, ValueError) as error:
        typer.secho(str(error), err=True)
        raise SystemExit(1) from None
