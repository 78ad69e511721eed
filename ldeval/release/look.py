"""The one look of all figures: colours that can be told apart, in greyscale with dashes and marks, type, and width."""

from __future__ import annotations

from typing import Any

PALETTE = ("#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1")
"""The Analysis Function's accessible palette."""

DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)), "-", (0, (5, 2)))
MARKS = ("s", "o", "D", "^", "v", "P")
GREY, PALE = "#595959", "#E5E5E5"
LOOK: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "xtick.color": GREY,
    "ytick.color": GREY,
    "figure.dpi": 100,
    "svg.fonttype": "none",
    "svg.hashsalt": "ldeval",
}
WIDTH = 6.3
