"""Renders a book with the built-in renderer, step by step: read, execute, compose, number, check, write, exchange."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ldeval.publish import ast, cache, html, pages, pdf, pictures, search
from ldeval.publish.ast import Node
from ldeval.publish.compose import Composed, compose
from ldeval.publish.config import INCLUDES, Book, Entry, read_book
from ldeval.publish.crossref import Numbered, Target, number_book, targets, unresolved
from ldeval.publish.edition import read_edition
from ldeval.publish.execute import Run, has_code, run_all
from ldeval.publish.faults import BookError, Fault, side_by_side
from ldeval.publish.pandoc import digest, pandoc, remembering
from ldeval.publish.prepare import Checker, citations
from ldeval.publish.source import Chapter, read_chapter
from ldeval.publish.structure import Structure
from ldeval.release.swap import replacing

To = Literal["html", "pdf", "all"]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A chapter after its cells ran: what pandoc read, and the figure files that it made."""

    entry: Entry
    chapter: Chapter
    composed: Composed
    blocks: list[Node]


def build(root: Path, *, to: To = "all", timeout: int = 600, say: Say = print) -> Path:
    """Render the book in `root` into its output folder, which is exchanged whole.

    Raises:
        BookError: with all the faults that one step found.
        OSError: the output cannot be written; the last report stays as it was.

    """
    with remembering(root / cache.FOLDER / "pandoc") as memory:
        output = _build(read_book(root), to, timeout, say)
        memory.forget()
    return output


def _build(book: Book, to: To, timeout: int, say: Say) -> Path:
    chapters = side_by_side(book.entries, lambda entry: read_chapter(book, entry.path))
    runs = _runs(book, chapters, timeout, say)
    parsed = side_by_side(list(zip(book.entries, chapters, runs, strict=True)), lambda item: _parsed(book, *item))
    numbered = number_book(book, [(item.entry, item.chapter, item.blocks) for item in parsed])
    made = {path: content for item in parsed for path, content in item.composed.files.items()}
    checker = Checker(book, numbered, made)
    faults = [*checker.faults(), *unresolved(numbered, targets(numbered), _keys(book))]
    if faults:
        raise BookError(faults)
    inputs = _inputs(book, parsed, checker.assets, to)
    if cache.is_current(book.output, inputs):
        say("Nothing changed: the report is up to date")
        return book.output
    with replacing(book.output) as folder:
        _write(book, numbered, made, checker.assets, folder, to, say)
        cache.record(folder, inputs)
    return book.output


def _inputs(book: Book, parsed: list[Parsed], assets: set[str], to: To) -> str:
    """Give the fingerprint of everything that the report is made from."""
    settings = [
        asdict(book),
        to,
        cache.package(),
        str(read_edition(book.root)),
        [item.composed.cells for item in parsed],
        [item.chapter.meta for item in parsed],
    ]
    includes = [book.files(name, form) for name in sorted(INCLUDES) for form in ("html", "typst")]
    names = [*book.bibliography, *([book.csl] if book.csl else []), *pages.styles(book), *sorted(assets)]
    files = [(book.root / name).read_bytes() for name in names if (book.root / name).is_file()]
    figures = [content for item in parsed for content in item.composed.files.values()]
    texts = [json.dumps([settings, includes, names], default=str, sort_keys=True), *(item.composed.markdown for item in parsed)]
    return digest([*(text.encode() for text in texts), *files, *figures])


def _runs(book: Book, chapters: list[Chapter], timeout: int, say: Say) -> list[Run]:
    kept = {chapter.path: cache.load(book, chapter) for chapter in chapters if has_code(chapter)}
    stale = [chapter for chapter in chapters if chapter.path in kept and kept[chapter.path] is None]
    if stale:
        say(f"Running the code of {len(stale)} chapter{'s' if len(stale) > 1 else ''}")
    fresh = run_all(book, stale, timeout=timeout, done=lambda path: say(f"  {path}")) if stale else []
    for chapter, run in zip(stale, fresh, strict=True):
        cache.save(book, chapter, run)
        kept[chapter.path] = run
    return [kept.get(chapter.path) or Run((), (), ()) for chapter in chapters]


def _parsed(book: Book, entry: Entry, chapter: Chapter, run: Run) -> Parsed:
    composed = compose(book, chapter, run)
    tree = ast.parse(composed.markdown)
    return Parsed(entry, chapter, composed, Structure(chapter.path, composed.cells).blocks(tree["blocks"]))


def _keys(book: Book) -> set[str]:
    """Give the keys of the bibliography."""
    keys: set[str] = set()
    for name in book.bibliography:
        try:
            keys |= {
                item["id"] for item in json.loads(pandoc("", str(book.root / name), "-t", "csljson", reads=[book.root / name]))
            }
        except ValueError as error:
            raise BookError([Fault(name, 0, f"the bibliography cannot be read: {error}")]) from error
    return keys


def _write(
    book: Book, chapters: list[Numbered], made: dict[str, bytes], assets: set[str], folder: Path, to: To, say: Say
) -> None:
    known = targets(chapters)
    cited = list(dict.fromkeys(key for numbered in chapters for key in citations([numbered.title, numbered.blocks])))
    for path in sorted(assets):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in made:
            target.write_bytes(made[path])
        else:
            shutil.copyfile(book.root / path, target)
    drawn = _dress(folder, sorted(path for path in assets if path.endswith(".svg")))
    if to in ("html", "all"):
        say(f"Writing {len(chapters)} HTML pages")
        contents = side_by_side(chapters, lambda numbered: html.body(book, numbered, known, cited, drawn))
        edition, whole = str(read_edition(book.root)), pdf_name(book) if to == "all" else None
        for index, content in enumerate(contents):
            _put(folder / chapters[index].page, pages.page(book, chapters, index, content, edition, whole).encode())
        read = [(n.page, ast.plain(n.title), content) for n, content in zip(chapters, contents, strict=True)]
        for path, data in (pages.shared_files() | {f"{pages.SHARED}/search-index.js": search.index(read)}).items():
            _put(folder / path, data)
        for name in pages.styles(book):
            _put(folder / name, (book.root / name).read_bytes())
    if to in ("pdf", "all"):
        say("Setting the PDF")
        _put(folder / pdf_name(book), _pdf(book, chapters, known, cited, folder))


def _dress(folder: Path, paths: list[str]) -> set[str]:
    """Dress the figures among the SVG files for light and dark pages, and give their paths."""
    drawn = {path for path in paths if pictures.is_drawn((folder / path).read_bytes())}
    for path in drawn:
        light = pictures.dressed((folder / path).read_bytes())
        (folder / path).write_bytes(light)
        (folder / pictures.dark_path(path)).write_bytes(pictures.darkened(light))
    return drawn


def _pdf(book: Book, chapters: list[Numbered], known: dict[str, Target], cited: list[str], folder: Path) -> bytes:
    source = pdf.typst_source(book, chapters, known, cited, str(read_edition(book.root)))
    content = pdf.compile_pdf(source, folder)
    (folder / "report.typ").unlink()
    return content


def pdf_name(book: Book) -> str:
    """Give the PDF's file name, as Quarto makes it from the title."""
    return re.sub(r"[^\w.-]+", "-", book.title).strip("-") + ".pdf"


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
