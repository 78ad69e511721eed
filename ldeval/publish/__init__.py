"""Chapters to HTML and PDF: with Quarto, or with the built-in renderer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Literal

To = Literal["html", "pdf", "all"]
Renderer = Literal["auto", "quarto", "builtin"]


def render_book(root: Path, *, to: To, renderer: Renderer, timeout: int, say: Callable[[str], None]) -> Path:
    """Render the book in `root`, say with what and why, and give its output folder.

    Raises:
        BookError: the book has faults; all that one step finds are told together.
        OSError: the output cannot be written; the last report stays as it was.

    """
    from ldeval.publish import quarto

    begun = perf_counter()
    program, why = quarto.find_quarto() if renderer == "auto" else (None, f"--renderer {renderer}")
    if renderer == "quarto" or program:
        say(f"Rendering with Quarto ({why})")
        output = quarto.render(root, to=to)
    else:
        from ldeval.publish.build import build
        from ldeval.publish.steps import Steps

        say(f"Rendering with the built-in renderer ({why})")
        steps = Steps()
        output = build(root, to=to, timeout=timeout, say=say, steps=steps)
        say(f"  {steps}")
    say(f"Done in {perf_counter() - begun:.1f} s: {output}")
    return output
