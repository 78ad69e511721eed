"""The typefaces of the HTML, as data: a report makes no request, and some browsers load no font file from another folder."""

from __future__ import annotations

import base64
from importlib import resources

FACES = {
    "source-serif-4-latin-400-normal": ("Source Serif 4", "normal", "400"),
    "source-serif-4-latin-400-italic": ("Source Serif 4", "italic", "400"),
    "source-serif-4-latin-600-normal": ("Source Serif 4", "normal", "600"),
    "source-sans-3-latin-wght-normal": ("Source Sans 3", "normal", "200 900"),
}


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
