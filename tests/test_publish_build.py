"""A build is never stale, never half done, and two of them never mix."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from books import cell, render, write_book

from ldeval.publish import build as building
from ldeval.publish import cache, quarto
from ldeval.publish.build import build
from ldeval.publish.faults import BookError
from ldeval.release import swap

ROOT = Path(__file__).parent.parent
COUNTED = "from pathlib import Path\nlog = Path('../runs.txt')\nlog.write_text(log.read_text() + 'x' if log.exists() else 'x')\n"


def rendered(root, **options):
    build(root, **{"to": "html", "say": lambda text: None} | options)
    return (root / "_report" / "a.html").read_text()


def runs(root):
    """Count how often chapter a was executed: its cell writes outside the book, where nothing watches."""
    return len((root.parent / "runs.txt").read_text())


@pytest.fixture
def book(tmp_path):
    read = "print(Path('_results/value.txt').read_text())"
    chapters = {"a.qmd": "# A\n" + cell(COUNTED + read) + "\n{{< include part.qmd >}}\n", "b.qmd": "# B\n" + cell("1")}
    return write_book(tmp_path / "book", chapters, **{"part.qmd": "Included.\n", "_results/value.txt": "first"})


def test_an_unchanged_chapter_is_not_executed_again(book):
    assert "first" in rendered(book)
    rendered(book)
    assert runs(book) == 1


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [("a.qmd", "# A", "# A changed"), ("part.qmd", "Included", "Changed"), ("_results/value.txt", "first", "second")],
)
def test_a_chapter_is_executed_again_when_something_that_it_reads_changed(book, path, old, new):
    rendered(book)
    target = book / path
    target.write_text(target.read_text().replace(old, new))
    assert new.removeprefix("# ") in rendered(book)
    assert runs(book) == 2


READERS = {
    "a file that no Python opens": (
        "import pyarrow.parquet as pq\nprint(pq.read_table('data.parquet').column('v').to_pylist())",
        lambda root, text: pq.write_table(pa.table({"v": [text]}), root / "data.parquet"),
    ),
    "a module of the book": (
        "import sys; sys.path.insert(0, '.'); import helper; print(helper.VALUE)",
        lambda root, text: (root / "helper.py").write_text(f"VALUE = '{text}'\n"),
    ),
    "a variable of inline code": (
        "",
        lambda root, text: (root / "_variables.yml").write_text(f"v: {text}\n"),
    ),
    "a file that may be there": (
        "try: print(open('new.txt').read())\nexcept FileNotFoundError: print('first')",
        lambda root, text: text == "second" and (root / "new.txt").write_text(text),
    ),
    "the files of a folder": (
        "import glob; print(sorted(glob.glob('data/*')))",
        lambda root, text: ((root / "data").mkdir(exist_ok=True), (root / "data" / text).touch()),
    ),
    "a link out of the book": (
        "print(open('link.txt').read())",
        lambda root, text: (
            (root.parent / "far.txt").write_text(text),
            (root / "link.txt").exists() or (root / "link.txt").symlink_to(root.parent / "far.txt"),
        ),
    ),
    "a file that changes while it is read": (
        "import os, time; print(open('now.txt').read()); time.sleep(0.05); os.system('printf second > now.txt')",
        lambda root, text: text == "first" and (root / "now.txt").write_text(text),
    ),
}


@pytest.mark.parametrize("what", READERS)
def test_a_run_is_never_stale(tmp_path, what):
    code, change = READERS[what]
    inline = "`{python} '{{< var v >}}'.upper().lower()`" if "variable" in what else ""
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n" + cell(code) + f"\n{inline}\n"})
    change(root, "first")
    assert "first" in rendered(root)
    (root / "a.qmd").write_text((root / "a.qmd").read_text() + "\nMore.\n")  # a second run may find modules compiled
    rendered(root)
    change(root, "second")
    assert "second" in rendered(root)
    kept = (root / "_report").stat().st_ino
    if "changes" not in what:
        rendered(root)
        assert (root / "_report").stat().st_ino == kept


def test_what_a_chapter_writes_itself_does_not_run_it_again(tmp_path):
    writes = "import os, sqlite3, pandas as pd\npd.DataFrame({'a': [1]}).to_csv('out.csv'); print(open('out.csv').read())\n"
    writes += "sqlite3.connect('db.sqlite').execute('create table if not exists t (a)')\n"
    writes += "import pathlib; pathlib.Path('touched').touch(); open('a.b.c.d.pyc', 'w').close(); open('a.b.c.d.pyc').read()\n"
    writes += "print(sorted(os.listdir('.')))"
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n" + cell(writes)})
    rendered(root)
    rendered(root)  # the folder it lists has its files only now
    said = []
    build(root, to="html", say=said.append)
    assert said == ["Nothing changed: the report is up to date"]


def test_what_a_chapter_reads_before_it_writes_runs_it_again(tmp_path):
    code = "print(open('n.txt').read())\nopen('n.txt', 'a').write('x')"
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n" + cell(code)}, **{"n.txt": "first"})
    rendered(root)
    assert "firstx" in rendered(root)


def test_a_link_to_the_output_stays_one(book, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (book / "_report").symlink_to(tmp_path / "elsewhere")
    rendered(book)
    assert (book / "_report").is_symlink()
    assert "first" in (tmp_path / "elsewhere" / "a.html").read_text()


@pytest.mark.parametrize(
    ("name", "held", "taken"),
    [
        ("_book", "", True),
        ("_book", ".gitkeep", True),
        ("_book", "A-book.pdf", True),
        ("out/html", "site_libs/quarto.js", True),
        ("papers", "mine.pdf", False),
        ("chapters", "notes.qmd", False),
    ],
)
def test_only_a_folder_of_a_report_is_replaced(tmp_path, name, held, taken):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n"}, **({f"{name}/{held}": "kept"} if held else {}))
    (root / "_quarto.yml").write_text((root / "_quarto.yml").read_text().replace("_report", name))
    if taken:
        assert build(root, to="html", say=lambda text: None) == root / name
    else:
        with pytest.raises(BookError, match="holds files that are no report"):
            build(root, to="html", say=lambda text: None)
        assert (root / name / held).read_text() == "kept"


def test_a_chapter_may_give_any_name_another_meaning(tmp_path):
    code = "from rich import print\njson = list = set = sorted = display = None\n%reset -f"
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n" + cell(code) + "\nSix: `{python} 2 * 3`.\n"})
    assert "Six: 6." in rendered(root)


def test_a_chapter_is_executed_again_when_the_package_or_the_lock_changed(book, monkeypatch):
    rendered(book)
    monkeypatch.setattr(cache, "package", lambda: "another")
    rendered(book)
    assert runs(book) == 2


def test_the_package_fingerprint_covers_code_and_lock(tmp_path, monkeypatch):
    (tmp_path / "package").mkdir()
    module, lock = tmp_path / "package" / "module.py", tmp_path / "requirements.lock"
    monkeypatch.setattr(cache, "PACKAGE", tmp_path / "package")
    seen = set()
    for text, pins in (("a", "1"), ("b", "1"), ("b", "2")):
        module.write_text(text)
        lock.write_text(pins)
        cache.package.cache_clear()
        seen.add(cache.package())
    cache.package.cache_clear()
    assert len(seen) == 3


def test_another_chapter_is_left_alone(book):
    rendered(book)
    (book / "b.qmd").write_text("# B\n" + cell("2"))
    rendered(book)
    assert runs(book) == 1


def test_a_file_that_goes_away_is_a_change(book):
    rendered(book)
    (book / "_results" / "value.txt").unlink()
    with pytest.raises(BookError, match="No such file"):
        rendered(book)


def test_an_unchanged_report_is_left_as_it_is_and_a_damaged_one_is_not(book):
    rendered(book)
    said = []
    before = (book / "_report").stat().st_ino
    build(book, to="html", say=said.append)
    assert "Nothing changed: the report is up to date" in said
    assert (book / "_report").stat().st_ino == before
    (book / "_report" / "b.html").write_text("damaged")
    rendered(book)
    assert "damaged" not in (book / "_report" / "b.html").read_text()


@pytest.mark.parametrize("path", ["extra.css", "head.html", "refs.bib", "d.png"])
def test_a_report_is_made_anew_when_a_file_that_it_takes_in_changed(tmp_path, path):
    config = "bibliography: refs.bib\ncss: extra.css\ninclude-in-header: head.html\n"
    entry = "@book{one, author={One, A.}, title={Book}, year={2001}}"
    files = {"extra.css": "p {}", "head.html": "<!-- head -->", "refs.bib": entry, "d.png": "first"}
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n\n@one ![x](d.png)\n"}, config=config, **files)
    rendered(root)
    before = (root / "_report").stat().st_ino
    (root / path).write_text((root / path).read_text().replace("2001", "2002") + " ")
    rendered(root)
    assert (root / "_report").stat().st_ino != before


def test_the_pdf_has_the_name_that_the_book_asks_for(book):
    config = book / "_quarto.yml"
    config.write_text(config.read_text().replace("title: A book", "title: A book\n  output-file: my report"))
    build(book, to="pdf", say=lambda text: None)
    assert [path.name for path in (book / "_report").glob("*.pdf")] == ["my-report.pdf"]


def test_a_spoilt_cache_is_as_good_as_none(book):
    rendered(book)
    for path in (book / "_build" / "texts").iterdir():
        path.write_text("{")
    assert "first" in rendered(book)


def test_rebuilds_are_identical_byte_for_byte(book):
    build(book, say=lambda text: None)
    first = {path.name: path.read_bytes() for path in (book / "_report").rglob("*") if path.is_file()}
    (book / "_build").rename(book / "gone")
    build(book, say=lambda text: None)
    assert {path.name: path.read_bytes() for path in (book / "_report").rglob("*") if path.is_file()} == first


def test_a_failed_build_leaves_the_last_report(book):
    before = rendered(book)
    (book / "b.qmd").write_text("# B\n\n@fig-nowhere\n")
    with pytest.raises(BookError):
        rendered(book)
    assert (book / "_report" / "a.html").read_text() == before
    assert [path.name for path in book.iterdir() if path.name.startswith("_report")] == ["_report"]


def test_pages_of_deleted_chapters_do_not_linger(book):
    rendered(book)
    (book / "_quarto.yml").write_text((book / "_quarto.yml").read_text().replace(", b.qmd", ""))
    rendered(book)
    assert not (book / "_report" / "b.html").exists()


def slow_build(where, seconds):
    """Give a script that builds the book, signals when it comes to a function, and stays there for a while."""
    return (
        "import sys, time, pathlib\n"
        "from ldeval.publish import build, cache, pages\n"
        f"real = {where}\n"
        "def slow(*a, **k):\n"
        "    pathlib.Path(sys.argv[2]).write_text('there')\n"
        f"    time.sleep({seconds})\n"
        "    return real(*a, **k)\n"
        f"{where} = slow\n"
        "build.build(pathlib.Path(sys.argv[1]), to='html', say=lambda text: None)\n"
    )


def start_slow(book, flag, seconds, where="pages.page"):
    (book / "b.qmd").write_text("# B changed\n" + cell("1"))
    process = subprocess.Popen([sys.executable, "-c", slow_build(where, seconds), str(book), str(flag)], cwd=ROOT)
    deadline = time.monotonic() + 60
    while not flag.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert flag.exists()
    return process


@pytest.mark.parametrize(("where", "left"), [("build.run_all", 0), ("cache.save", 0), ("pages.page", 1), ("cache.record", 1)])
def test_a_killed_build_leaves_the_last_report_and_the_next_one_cleans_up(book, tmp_path, where, left):
    before = rendered(book)
    process = start_slow(book, tmp_path / "flag", 60, where)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (book / "_report" / "a.html").read_text() == before
    assert len(list(book.glob("_report.*"))) == left
    rendered(book)
    assert "B changed" in (book / "_report" / "b.html").read_text()
    assert not list(book.glob("_report.*"))


def test_two_builds_at_once_do_not_mix(book, tmp_path):
    rendered(book)
    process = start_slow(book, tmp_path / "flag", 0.5)
    (book / "part.qmd").write_text("Newer.\n")
    assert "Newer" in rendered(book)
    assert process.wait() == 0
    pages = {path.name for path in (book / "_report").rglob("*.html")}
    assert pages == {"index.html", "a.html", "b.html"}
    assert not list(book.glob("_report.*"))


def test_a_full_disk_is_a_clear_error_and_loses_nothing(book, monkeypatch):
    before = rendered(book)
    (book / "b.qmd").write_text("# B changed\n" + cell("1"))

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(building, "_put", full)
    with pytest.raises(OSError, match="No space left on device"):
        rendered(book)
    assert (book / "_report" / "a.html").read_text() == before
    assert not list(book.glob("_report.*"))


def test_an_output_that_cannot_be_written_is_told_without_a_traceback(book):
    (book / "_report").write_text("a file where the folder should be")
    done = render(book, "--to", "html")
    assert done.returncode == 1
    assert "_report" in done.stderr
    assert "Traceback" not in done.stderr
    assert (book / "_report").read_text() == "a file where the folder should be"


def test_exchange_without_the_system_call(tmp_path, monkeypatch):
    monkeypatch.setattr(swap, "_exchanged", lambda new, old: False)
    new, old = tmp_path / "report.1.new", tmp_path / "report"
    for folder in (new, old):
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    swap.exchange(new, old)
    assert (old / "name").read_text() == "report.1.new"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_exchange_without_the_system_call_moves_back_when_the_second_move_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(swap, "_exchanged", lambda new, old: False)
    old = tmp_path / "report"
    old.mkdir()
    with pytest.raises(FileNotFoundError):
        swap.exchange(tmp_path / "report.1.new", old)
    assert old.is_dir()


def fake_quarto(folder, version, script="exit 0"):
    folder.mkdir(parents=True)
    program = folder / "quarto"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && {{ echo {version}; exit 0; }}\n{script}\n')
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("version", "usable", "says"),
    [("1.9.3", True, "Quarto 1.9.3 is on the path"), ("1.11.2", True, "is on the path"), ("1.8.27", False, "older than 1.9")],
)
def test_which_quarto_is_used(tmp_path, monkeypatch, version, usable, says):
    monkeypatch.setenv("PATH", f"{fake_quarto(tmp_path / 'bin', version)}{os.pathsep}{os.environ['PATH']}")
    program, why = quarto.find_quarto()
    assert (program is not None) == usable
    assert says in why


def test_quarto_writes_into_a_folder_that_is_exchanged(book, tmp_path, monkeypatch):
    script = 'mkdir -p "$2/$4" && echo "$*" > "$2/$4/index.html"'
    monkeypatch.setenv("PATH", f"{fake_quarto(tmp_path / 'bin', '1.9.0', script)}{os.pathsep}{os.environ['PATH']}")
    rendered(book)
    assert quarto.render(book, to="pdf") == book / "_report"
    assert [path.name for path in (book / "_report").iterdir()] == ["index.html"]
    assert (book / "_report" / "index.html").read_text().strip().endswith("--to typst")


def test_a_failing_quarto_leaves_the_last_report(book, tmp_path, monkeypatch):
    before = rendered(book)
    monkeypatch.setenv("PATH", f"{fake_quarto(tmp_path / 'bin', '1.9.0', 'exit 3')}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(BookError, match="ended with code 3"):
        quarto.render(book, to="all")
    assert (book / "_report" / "a.html").read_text() == before


def test_auto_says_which_renderer_it_took_and_why(book, monkeypatch, capsys):
    from ldeval.publish import render_book

    monkeypatch.setattr(quarto, "find_quarto", lambda: (None, "Quarto is not on the path"))
    render_book(book, to="html", renderer="auto", timeout=60, say=print)
    assert "Rendering with the built-in renderer (Quarto is not on the path)" in capsys.readouterr().out
