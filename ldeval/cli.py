"""The command `ldeval`: each command is a line or two over the rooms."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def about() -> None:
    """Literate evaluation reports without R: analyse, release, render."""


def main() -> None:
    """Run the command line."""
    app()
