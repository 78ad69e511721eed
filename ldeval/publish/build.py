"""Renders a book with the built-in renderer, step by step: read, run, parse, number, check, write, exchange."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from time import time_ns

from ldeval.publish import To, ast, cache, html, pages, pdf, words
from ldeval.publish.ast import Node
from ldeval.publish.compose import Composed, compose
from ldeval.publish.config import INCLUDES, Book, lookup, read_book
from ldeval.publish.constructs import unsupported
from ldeval.publish.crossref import Numbered, number_book, targets, unresolved
from ldeval.publish.execute import Run, run_all
from ldeval.publish.faults import BookError, Fault, side_by_side, stop
from ldeval.publish.look import pictures, search
from ldeval.publish.look.edition import read_edition
from ldeval.publish.memory import Memory, digest, remembered, remembering
from ldeval.publish.pandoc import pandoc
from ldeval.publish.prepare import citations, lists_works, needed
from ldeval.publish.source import Chapter, read_chapter
from ldeval.publish.steps import Steps
from ldeval.publish.structure import Structure
from ldeval.release.swap import replacing

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A chapter after its code ran: as Markdown with figure files, and what pandoc read, in plain form."""

    chapter: Chapter
    composed: Composed
    blocks: list[Node]


@dataclass(frozen=True, slots=True)
class Report:
    """A book whose faults are looked for: its chapters, and the files that they need by their path in the report."""

    book: Book
    chapters: list[Numbered]
    files: dict[str, bytes]
    edition: str


def build(root: Path, *, to: To = "all", timeout: int = 600, say: Say = print, steps: Steps | None = None) -> Path:
    """Render the book in `root` into its output folder, which is exchanged whole; `steps` are told how long each takes.

    The PDF is set while the pages are written: of "typst" only what is left after them is counted.

    Raises:
        BookError: with all the faults that one step found.
        OSError: the output cannot be written; the last report stays as it was.

    """
    steps = steps or Steps()
    with remembering(root / cache.FOLDER / "texts") as memory:
        book = read_book(root)
        with steps.step("read"):
            chapters = side_by_side(book.entries, lambda entry: read_chapter(book, entry.path))
        with steps.step("run"):
            runs = _runs(memory, book, chapters, timeout, say)
        with steps.step("parse"):
            parsed = side_by_side(zip(chapters, runs, strict=True), lambda item: _parsed(book, *item))
        with steps.step("number and check"):
            report = _checked(book, parsed)
            inputs = _inputs(report, parsed, to)
        if cache.is_current(book.output, inputs):
            say("Nothing changed: the report is up to date")
            return book.output
        with replacing(book.output) as folder:
            _write(report, folder, to, say, steps)
            cache.record(folder, inputs)
        memory.forget()
    return book.output


def _checked(book: Book, parsed: list[Parsed]) -> Report:
    chapters = number_book(book, [(item.chapter, item.blocks) for item in parsed])
    made = {path: content for item in parsed for path, content in item.composed.files.items()}
    needs, faults = needed(book, chapters, made)
    if faults := [*faults, *unresolved(chapters, targets(chapters), _keys(book))]:
        raise BookError(faults)
    files = {path: made[path] if path in made else (book.root / path).read_bytes() for path in sorted(needs)}
    return Report(book, chapters, files, str(read_edition(book.root)))


def _inputs(report: Report, parsed: list[Parsed], to: To) -> str:
    """Give the fingerprint of everything that the report is made from."""
    book = report.book
    own = [to, report.edition, *(repr((item.chapter.meta, item.composed.markdown)) for item in parsed), *report.files]
    styles = [(book.root / name).read_bytes() for name in pages.styles(book)]
    return digest([*(text.encode() for text in own), *_settings(book), *styles, *report.files.values()])


def _settings(book: Book) -> list[bytes]:
    """Give what every chapter is written with: the package, the configuration and what it includes, bibliography and style."""
    files = [*book.bibliography, *([book.csl] if book.csl else [])]
    texts = [cache.package(), asdict(book), *(book.texts(name, form) for name in INCLUDES for form in ("html", "typst"))]
    return [repr(texts).encode(), *((book.root / name).read_bytes() for name in files)]


def _runs(memory: Memory, book: Book, chapters: list[Chapter], timeout: int, say: Say) -> list[Run]:
    kept = {chapter.path: cache.load(memory, book, chapter) for chapter in chapters if chapter.code}
    stale = [chapter for chapter in chapters if chapter.path in kept and kept[chapter.path] is None]
    if stale:
        say(f"Running the code of {len(stale)} chapter{'s' if len(stale) > 1 else ''}")
    begun = time_ns()
    fresh = run_all(book, stale, timeout=timeout, done=lambda path: say(f"  {path}")) if stale else []
    for chapter, run in zip(stale, fresh, strict=True):
        cache.save(memory, book, chapter, run, begun)
        kept[chapter.path] = run
    return [kept.get(chapter.path) or Run() for chapter in chapters]


def _parsed(book: Book, chapter: Chapter, run: Run) -> Parsed:
    composed = compose(book, chapter, run)
    blocks = ast.parse(composed.markdown)["blocks"]
    if faults := list(unsupported(chapter, blocks, composed.cells)):
        raise BookError(faults)
    return Parsed(chapter, composed, Structure(chapter).blocks(blocks))


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


def _write(report: Report, folder: Path, to: To, say: Say, steps: Steps) -> None:
    book, chapters = report.book, report.chapters
    for path, content in report.files.items():
        _put(folder / path, content)
    with steps.step("figures"):
        drawn = pictures.dress(folder, report.files)
    known = targets(chapters)
    cited = list(dict.fromkeys(key for numbered in chapters for key in citations([numbered.title, numbered.blocks])))
    places = [(numbered.label, lists_works(numbered.blocks)) for numbered in chapters]
    shared = [*_settings(book), repr((known, cited, sorted(drawn), places)).encode()]

    def once(form: str, make: Callable[[Numbered], str]) -> list[str]:
        def text(numbered: Numbered) -> str:
            own = repr((form, numbered.entry, numbered.label, numbered.number, numbered.title, numbered.blocks))
            try:
                return remembered([own.encode(), *shared], lambda: make(numbered))
            except ValueError as error:  # pandoc's own words, about a formula or the citation style
                formulas = re.findall(r"TeX math (.+?), rendering", str(error)) or ["\0"]
                raise stop(*numbered.chapter.find(*formulas), str(error)) from error

        return side_by_side(chapters, text)

    with ThreadPoolExecutor(1) as beside:
        setting = None
        if to in ("pdf", "all"):
            say("Setting the PDF")
            with steps.step("typst source"):
                contents = once("typst", lambda numbered: pdf.chapter(book, chapters, numbered, known, cited))
                source = pdf.document(book, chapters, contents, cited, report.edition)
            setting = beside.submit(pdf.compile_pdf, source, folder, chapters)  # Typst lets go of the interpreter
        if to in ("html", "all"):
            say(f"Writing {len(chapters)} HTML pages")
            with steps.step("html"):
                contents = once("html", lambda numbered: html.body(book, numbered, known, cited, drawn))
            with steps.step("pages"):
                _write_pages(report, contents, folder, pdf_name(book) if to == "all" else None)
        if setting:
            with steps.step("typst"):
                _put(folder / pdf_name(book), setting.result())


def _write_pages(report: Report, contents: list[str], folder: Path, whole: str | None) -> None:
    book, chapters = report.book, report.chapters
    for index, content in enumerate(contents):
        _put(folder / chapters[index].page, pages.page(book, chapters, index, content, report.edition, whole).encode())
    read = [(numbered.page, ast.plain(numbered.title), text) for numbered, text in zip(chapters, contents, strict=True)]
    shared = {**pages.shared_files(), f"{pages.SHARED}/search-index.js": search.index(read)}
    for path, data in (shared | {name: (book.root / name).read_bytes() for name in pages.styles(book)}).items():
        _put(folder / path, data)


def pdf_name(book: Book) -> str:
    """Give the PDF's file name: the book's `output-file`, or, as Quarto makes it, its title."""
    name = lookup(book.options, "book.output-file") or words.plain(book.title)
    return (re.sub(r"[^\w.-]+", "-", str(name)).strip("-.")[:100] or "report") + ".pdf"


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
