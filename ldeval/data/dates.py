"""How an extract writes its dates in CSV: as declared in study.toml, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

ISO = "%Y-%m-%d"
_EXAMPLE = date(2017, 9, 30)
_NUMBERS = {"%d": "0?[1-9]|[12][0-9]|3[01]", "%m": "0?[1-9]|1[0-2]", "%Y": "[0-9]{4}", "%b": "[A-Za-z]{3}"}
_MONTH_TOO_LARGE = {"%d": "0?[1-9]|1[0-2]", "%m": "1[3-9]|2[0-9]|3[01]"}


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A way to write dates: day (%d), month (%m, or %b for Jan, Feb, ...) and year (%Y), and what stands between them."""

    written: str = ISO

    @property
    def example(self) -> str:
        """Give 30 September 2017, so written."""
        return _EXAMPLE.strftime(self.written)

    @property
    def words(self) -> str:
        """Say how dates are to be written."""
        return f"dates as {self.written}, such as {self.example}"

    @property
    def pattern(self) -> str:
        """Give the regular expression of all that is so written."""
        return "".join(self._pieces(_NUMBERS))

    @property
    def swapped(self) -> str | None:
        """Give the regular expression of dates whose day and month changed places, as a month above 12 shows."""
        return "".join(self._pieces(_NUMBERS | _MONTH_TOO_LARGE)) if "%m" in self.written else None

    def _pieces(self, numbers: dict[str, str]) -> Iterator[str]:
        """Where nothing stands between the parts, or in ISO's order, each has all of its digits."""
        full = self.written == ISO or "%d%m" in self.written or "%m%d" in self.written
        for piece in re.findall(r"%.|[^%]+", self.written):
            part = numbers.get(piece, re.escape(piece))
            yield f"({part.replace('0?', '0') if full else part})" if piece in numbers else part


WRITTEN_AS_ISO = DateFormat()
"""How dates are written where the study does not say otherwise."""
