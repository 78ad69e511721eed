"""Pictures that are drawn from more than one result or from none: the headline effects, and the logic model.

They lie beside the figures of exhibits, each with the data that it was drawn from.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ldeval.estimate import Estimates
from ldeval.release import headlines, logic_model
from ldeval.release.foot import foot
from ldeval.release.look import LOOK
from ldeval.release.results import ALT_TEXTS, DRAWINGS, FOLDER, results

if TYPE_CHECKING:
    from IPython.display import Markdown


def write_drawings(root: Path, folder: Path, estimates: Estimates, outcomes: headlines.Outcomes) -> None:
    """Draw every picture into its place below `folder`, with its data and the alternative texts.

    Raises:
        ValueError: the logic model's boxes are not right; a headline effect has no effect that matters in its unit.

    """
    place = folder / DRAWINGS
    place.mkdir()
    alts = {}
    if shown := headlines.headlines(estimates, outcomes):
        alts["headlines"] = headlines.headlines_alt(shown)
        headlines.write_headlines(shown, place / "headlines.csv")
        _save(lambda new: headlines.draw_headlines(shown, new), place / "headlines.svg")
    source = root / logic_model.LOGIC_MODEL
    if source.is_file():
        items = logic_model.read_logic_model(source)
        alts["logic-model"] = logic_model.logic_model_alt(items)
        shutil.copyfile(source, place / "logic-model.csv")
        _save(lambda new: logic_model.draw_logic_model(items, new), place / "logic-model.svg")
    (place / ALT_TEXTS).write_text(json.dumps(alts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _save(draw: Any, path: Path) -> None:
    import matplotlib as mpl

    with mpl.rc_context({**mpl.rcParamsDefault, **LOOK, "backend": "svg"}):
        from matplotlib.figure import Figure

        draw(Figure).savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def drawing(key: str) -> Markdown:
    """Show a picture of this kind, with its alternative text and its data; a sentence where there is nothing to draw.

    Raises:
        KeyError: there is no picture of that name; those that are there, are listed.

    """
    from IPython.display import Markdown

    alts = results().alt_texts
    if key not in alts and key == "headlines":
        return Markdown("[Not shown: none of the headline effects could be estimated.]{.note}\n")  # type: ignore[no-untyped-call]
    if key not in alts:
        raise KeyError(f"no picture {key!r}; pictures: {', '.join(sorted(alts))}")
    alt = alts[key].replace("\\", "\\\\").replace('"', '\\"')
    text = f'![](/{FOLDER}/{DRAWINGS}/{key}.svg){{.narrow fig-alt="{alt}" width=4.3in}}{foot((), f"{DRAWINGS}/{key}.csv")}'
    return Markdown(text)  # type: ignore[no-untyped-call]
