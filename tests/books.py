"""Small books for the tests of publishing: a folder of sources from a few lines of text."""

import subprocess
import sys
from pathlib import Path

CONFIG = """
project: {type: book, output-dir: _report}
book:
  title: A book
  author: An Author
  chapters: [CHAPTERS]
number-sections: true
lang: en-GB
format: {html: {toc: true}, typst: {papersize: a4}}
execute: {echo: false}
"""


def write_book(root, chapters, *, config="", **files):
    """Write a book: `chapters` are texts by path, `config` is added to `_quarto.yml`, `files` are others by name."""
    root.mkdir(parents=True, exist_ok=True)
    pages = {"index.qmd": "# Preface {.unnumbered}\n\nWelcome.\n"} | chapters
    settings = CONFIG.replace("CHAPTERS", ", ".join(pages)) + config
    for path, text in ({"_quarto.yml": settings} | pages | files).items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def render(root, *arguments):
    """Run `ldeval render` as a user does."""
    command = [sys.executable, "-m", "ldeval", "render", str(root), "--renderer", "builtin", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent)


def cell(code, **options):
    """Write a python cell."""
    lines = [f"#| {key.replace('_', '-')}: {value}" for key, value in options.items()]
    return "\n".join(["", "```{python}", *lines, code, "```", ""])
