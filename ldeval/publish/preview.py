"""Serves the report on this machine while it is written: builds again what changed, reloads the page, shows faults in it.

Only the standard library. The script that waits for news is put into pages as they are served, never into the report.
"""

from __future__ import annotations

import html
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from ldeval.publish.config import read_book
from ldeval.publish.faults import BookError

HOST = "127.0.0.1"
NEWS = "/__preview__"
WAIT = 25.0
"""Seconds for which a page's question is held open."""

WATCHED = {".qmd", ".yml", ".toml", ".bib", ".csl", ".css", ".js", ".html", ".csv", ".json", ".py", ".typ", ".svg", ".png", ".md"}
LEFT_ALONE = {"_build", ".git", ".venv", "__pycache__", "node_modules"}


@dataclass
class State:
    """What the last build gave: its number, and its faults where it failed."""

    number: int = 0
    faults: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: bool = False

    def tell(self, faults: str) -> None:
        """Note that a build ended, and wake every page that waits."""
        with self.changed:
            self.number += 1
            self.faults = faults
            self.changed.notify_all()

    def wait(self, seen: int) -> int:
        """Give the number of the last build once it is another than `seen`, or after a while."""
        with self.changed:
            self.changed.wait_for(lambda: self.number != seen or self.closing, WAIT)
            return self.number

    def close(self) -> None:
        """Let every page go."""
        with self.changed:
            self.closing = True
            self.changed.notify_all()


class Handler(SimpleHTTPRequestHandler):
    """Serves the report's files; pages with the waiting script, or with the faults of the last build."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: object, state: State, **options: object) -> None:
        self.state = state
        super().__init__(*arguments, **options)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer a page, a file, or a page's question for news."""
        parts = urlsplit(self.path)
        if not self._is_ours():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif parts.path == NEWS:
            seen = parts.query.removeprefix("seen=")
            self._send(str(self.state.wait(int(seen) if seen.isdigit() else -1)), "text/plain")
        elif (path := self._page(parts.path)) is not None:
            number = self.state.number
            text = _template("faults.html", TEXT=html.escape(self.state.faults)) if self.state.faults else path.read_text("utf-8")
            self._send(text + _template("preview.html", SEEN=str(number)), "text/html")
        else:
            super().do_GET()

    def _is_ours(self) -> bool:
        """Refuse a host name that only leads here, by which a page of the web could read the report."""
        return (self.headers.get("Host") or "").rsplit(":", 1)[0] in (HOST, "localhost")

    def _page(self, address: str) -> Path | None:
        path = Path(self.translate_path(address))
        path = path / "index.html" if path.is_dir() else path
        if path.suffix != ".html" or not (path.is_file() or self.state.faults):
            return None
        return path

    def _send(self, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Stay quiet: the terminal tells of builds."""


def _template(name: str, **words: str) -> str:
    text = (resources.files("ldeval.publish") / "templates" / name).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def preview(root: Path, *, port: int, say: Callable[[str], None], pause: float = 0.5) -> None:
    """Serve the report of the book in `root` until Ctrl-C; it is built at first and whenever a source changed.

    Raises:
        OSError: the port is taken.

    """
    output = _output(root)
    state = State()
    server = ThreadingHTTPServer((HOST, port), partial(Handler, directory=str(output), state=state))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(f"Preview at http://{HOST}:{server.server_port}/ (Ctrl-C stops it)")
    try:
        for _ in changes(root, output, pause):
            state.tell(_faults(root))
            say(f"The report was not built:\n{state.faults}" if state.faults else "Built; waiting for changes")
    except KeyboardInterrupt:
        say("Preview stopped")
    finally:
        state.close()
        server.shutdown()
        server.server_close()


def _output(root: Path) -> Path:
    try:
        return read_book(root).output
    except BookError:
        return root / "_report"


def _faults(root: Path) -> str:
    """Build in a process of its own, so that changed code counts, and give what went wrong."""
    what = ["report"] if (root / "study.toml").exists() else ["render", str(root)]
    command = [sys.executable, "-m", "ldeval", *what, "--to", "html", "--renderer", "builtin"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return (done.stderr.strip() or f"exit code {done.returncode}") if done.returncode else ""


def changes(root: Path, output: Path, pause: float) -> Iterator[None]:
    """Give a turn at once, and another whenever the sources are other than before the last build."""
    event = threading.Event()
    seen: dict[str, int] = {}
    while True:
        now = sources(root, output)
        if now != seen:
            seen = now
            yield
        event.wait(pause)


def sources(root: Path, output: Path) -> dict[str, int]:
    """Give the time of the last change of every file that a report may be made from."""
    found: dict[str, int] = {}
    folders = [root]
    while folders:
        for path in folders.pop().iterdir():
            if path.is_dir() and not path.is_symlink():
                made = path.name in LEFT_ALONE or path.name.startswith((output.name, "_results"))
                folders += [] if made else [path]
            elif path.suffix in WATCHED:
                try:
                    found[str(path)] = path.stat().st_mtime_ns
                except FileNotFoundError:
                    continue
    return found
