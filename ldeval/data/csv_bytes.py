"""What one pass over the bytes of a CSV file shows: byte order mark, encoding, null bytes, line ends."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ldeval.data.fault import Fault

_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Look:
    """What one pass over the bytes of a CSV file shows."""

    mark: str
    bad_line: int | None
    noughts: int
    crlf: int
    lf: int
    cr: int

    @property
    def mixed(self) -> bool:
        """Some lines end in CRLF and others in LF."""
        return 0 < self.crlf < self.lf

    @property
    def cr_alone(self) -> bool:
        """Lines end in carriage returns, and none in a line feed."""
        return self.cr > 0 and self.lf == 0

    @property
    def unreadable(self) -> bool:
        """Nothing more can be said of the file until this is mended."""
        return self.mark == "UTF-16" or self.bad_line is not None or self.noughts > 0 or self.mixed or self.cr_alone

    def faults(self, path: Path) -> Iterator[Fault]:
        """List what is wrong with the bytes."""
        again = "Export it again as UTF-8 without a byte order mark"
        if self.mark:
            yield Fault(path.name, "byte order mark", f"begins with the byte order mark of {self.mark}", again)
        if self.mark == "UTF-16":
            return
        if self.bad_line is not None:
            yield Fault(path.name, "encoding", f"not UTF-8 from line {self.bad_line:,} on", again)
        if self.noughts:
            yield Fault(path.name, "encoding", f"{self.noughts:,} null bytes", "Copy it again: it is damaged")
        if self.mixed:
            yield Fault(path.name, "line ends", f"{self.crlf:,} of {self.lf:,} lines end in CRLF", "Use LF throughout")
        elif self.cr_alone:
            yield Fault(path.name, "line ends", f"all {self.cr:,} lines end in CR alone", "Convert the line ends to LF")
        elif self.crlf:
            yield Fault(path.name, "line ends", f"all {self.crlf:,} lines end in CRLF", "Convert the line ends to LF")


def look_at(path: Path) -> Look:
    """Read a file once, in pieces: byte order mark, encoding, null bytes, line ends."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = noughts = crlf = cr = 0
    bad_line, mark, last = None, "", b""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            mark = mark or (_mark(piece) if not lines and not last else "")
            bad_line = bad_line if bad_line is not None else _bad_line(decoder, piece, lines)
            crlf += piece.count(b"\r\n") + (last == b"\r" and piece.startswith(b"\n"))
            cr += piece.count(b"\r")
            lines, noughts, last = lines + piece.count(b"\n"), noughts + piece.count(b"\0"), piece[-1:]
    if bad_line is None and decoder.getstate()[0]:
        bad_line = lines + 1
    return Look(mark, bad_line, noughts, crlf, lines, cr)


def _mark(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    return "UTF-8" if start.startswith(codecs.BOM_UTF8) else ""


def _bad_line(decoder: codecs.IncrementalDecoder, piece: bytes, before: int) -> int | None:
    try:
        decoder.decode(piece)
    except UnicodeDecodeError as error:
        return before + piece[: error.start].count(b"\n") + 1
    return None
