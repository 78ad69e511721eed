"""The typefaces: those of the HTML as data, since a report makes no request; those of the PDF, and what they cannot show."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from importlib import resources
from pathlib import Path

FACES = {
    "source-serif-4-latin-400-normal": ("Source Serif 4", "normal", "400"),
    "source-serif-4-latin-400-italic": ("Source Serif 4", "italic", "400"),
    "source-serif-4-latin-600-normal": ("Source Serif 4", "normal", "600"),
    "source-sans-3-latin-wght-normal": ("Source Sans 3", "normal", "200 900"),
}

SET = ((0x0, 0x24F), (0x2000, 0x22FF), (0x27C0, 0x27EF), (0x2900, 0x2AFF), (0x1D400, 0x1D7FF))
"""Latin letters, signs and letters of formulas: shown, if by the typefaces that Typst itself carries."""

UNSEEN = re.compile(r'(?:#link\(|alt: )"(?:[^"\\]|\\.)*"')
"""What a document of Typst holds and no page shows."""


def of_paper() -> list[Path]:
    """Give the files of the PDF's typefaces; matplotlib's last resort, a box for every letter, is none of them."""
    import matplotlib

    own, others = Path(str(resources.files("ldeval.publish") / "fonts")), Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return sorted([*own.glob("*.ttf"), *others.glob("DejaVu*.ttf")])


def missing(source: str) -> list[str]:
    """Give the characters shown by a document of Typst that no typeface of the PDF has."""
    text = UNSEEN.sub("", source)
    rare = {letter for letter in text if letter.isprintable() and not any(low <= ord(letter) <= high for low, high in SET)}
    return sorted(letter for letter in rare if ord(letter) not in _shown()) if rare else []


@lru_cache(maxsize=1)
def _shown() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(code for path in of_paper() for code in FT2Font(str(path)).get_charmap())


def as_data(name: str) -> str:
    """Give a typeface as an address that holds it."""
    content = (resources.files("ldeval.publish") / "fonts" / f"{name}.woff2").read_bytes()
    return f"url(data:font/woff2;base64,{base64.b64encode(content).decode()})"


def style_sheet() -> bytes:
    """Give the typefaces as data inside a style sheet: some browsers load no font file from another folder of the disk."""
    rules = []
    for name, (family, style, weight) in FACES.items():
        about = f'font-family: "{family}"; font-style: {style}; font-weight: {weight}; font-display: swap'
        rules.append(f'@font-face {{ {about}; src: {as_data(name)} format("woff2"); }}')
    return ("\n".join(rules) + "\n").encode()
