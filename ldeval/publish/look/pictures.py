"""Dresses matplotlib's SVG figures for the report: the report's own typeface, and a second file for dark pages.

A picture in an `img` element cannot see the page's fonts or colours, so each file carries the typeface (as data, since a
report makes no request), and the dark one its own colours: light is made dark and dark light, hues kept.
"""

from __future__ import annotations

import colorsys
import html
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from ldeval.publish.ast import Node, raw
from ldeval.publish.look import faces

FACE = "source-sans-3-latin-wght-normal"
FAMILY = "'Source Sans 3', 'DejaVu Sans', sans-serif"
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
INK = "#e3e7eb"
PAPER = "#14181d"
TINTED = 0.1
"""Difference of the channels below which a colour is a grey, however light: a pale wash turns dark with the page."""


def dark_path(path: str) -> str:
    """Give the path of a figure's dark version."""
    return path.removesuffix(".svg") + ".dark.svg"


def paired(image: Node) -> list[Node]:
    """Give an image with its dark version, which a dark page shows."""
    dark = html.escape(dark_path(image["c"][2][0]))
    source = f'<picture><source srcset="{dark}" media="screen and (prefers-color-scheme: dark)">'
    return [raw("html", source), image, raw("html", "</picture>")]


def dress(folder: Path, paths: Iterable[str]) -> set[str]:
    """Dress the figures among the SVG files of a report for light and dark pages, and give their paths."""
    drawn = {path for path in paths if path.endswith(".svg") and is_drawn((folder / path).read_bytes())}
    for path in drawn:
        light = dressed((folder / path).read_bytes())
        (folder / path).write_bytes(light)
        (folder / dark_path(path)).write_bytes(darkened(light))
    return drawn


def is_drawn(content: bytes) -> bool:
    """Tell whether an SVG was drawn by matplotlib, so that its colours and text are known to be plain."""
    return b'<g id="figure_1">' in content


def dressed(content: bytes) -> bytes:
    """Give the figure in the report's typeface."""
    text = content.decode().replace("font-family: 'DejaVu Sans'", f"font-family: {FAMILY}")
    text = text.replace("'DejaVu Sans', 'Bitstream Vera Sans'", f"{FAMILY}, 'Bitstream Vera Sans'")
    return re.sub(r"(<style type=\"text/css\">)", rf"\g<1>{_face()}", text, count=1).encode()


def darkened(content: bytes) -> bytes:
    """Give the figure for dark pages."""
    text = COLOUR.sub(lambda found: _dark(found[0].lower()), content.decode())
    return re.sub(r"(<style type=\"text/css\">)", rf"\g<1>svg,text{{fill:{INK}}}", text, count=1).encode()


@lru_cache(maxsize=1)
def _face() -> str:
    return f"@font-face{{font-family:'Source Sans 3';font-weight:200 900;src:{faces.as_data(FACE)}}}"


@lru_cache(maxsize=256)
def _dark(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    if max(red, green, blue) - min(red, green, blue) < TINTED:
        return _grey(light)
    turned = max(light, 0.62 + 0.25 * (0.5 - light)) if light < 0.62 else light
    parts = colorsys.hls_to_rgb(hue, min(turned, 0.8), min(strength, 0.65))
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _grey(light: float) -> str:
    """Turn a grey: white is the page's dark ground, black its ink."""
    ends = [(int(PAPER[at : at + 2], 16), int(INK[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(paper + (ink - paper) * (1 - light) ** 0.8):02x}" for paper, ink in ends)
