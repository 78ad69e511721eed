"""The typefaces: those of the HTML as data, since a report makes no request; those of the PDF as files."""

from __future__ import annotations

import base64
from importlib import resources
from pathlib import Path

FACES = {
    "source-serif-4-latin-400-normal": ("Source Serif 4", "normal", "400"),
    "source-serif-4-latin-400-italic": ("Source Serif 4", "italic", "400"),
    "source-serif-4-latin-600-normal": ("Source Serif 4", "normal", "600"),
    "source-sans-3-latin-wght-normal": ("Source Sans 3", "normal", "200 900"),
}


def of_paper() -> list[Path]:
    """Give the files of the PDF's typefaces; matplotlib's last resort, a box for every letter, is none of them."""
    import matplotlib

    own, others = Path(str(resources.files("ldeval.publish") / "fonts")), Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return sorted([*own.glob("*.ttf"), *others.glob("DejaVu*.ttf")])


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
