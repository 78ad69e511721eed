"""The text turns with the numbers: the same chapters on released results that show harm, nothing, or too little to say."""

import csv
import json
import re
import shutil
from html import unescape
from pathlib import Path

import pytest
from calls import told

from ldeval.estimate import read_csv
from ldeval.publish.build import build
from ldeval.release.drawings import DRAWINGS, write_drawings

PROJECT = Path(__file__).parent.parent
CUSTODY, AGAIN, MONEY = "diversion/risk_difference/att", "reconviction/hazard_ratio/att", "economics/net_public/marginal"
NEEDS = "profile/several_below"

BETTER = {CUSTODY: (-0.06, -0.08, -0.04), AGAIN: (0.8, 0.75, 0.85), MONEY: (300, 200, 400), NEEDS: (0.27, 0.26, 0.28)}
WORSE = {CUSTODY: (0.06, 0.04, 0.08), AGAIN: (1.25, 1.2, 1.3), MONEY: (-300, -400, -200), NEEDS: (0.02, 0.01, 0.03)}
NONE = {CUSTODY: (0.0, -0.01, 0.01), AGAIN: (1.0, 0.95, 1.05), MONEY: (0, -20, 20), NEEDS: (0.05, 0.04, 0.06)}
UNCLEAR = {CUSTODY: (0.0, -0.05, 0.05), AGAIN: (1.0, 0.8, 1.2), MONEY: (0, -200, 200), NEEDS: (0.05, 0.04, 0.06)}


OTHERS = {
    "timeliness/completed_90/att": ((-0.06, -0.08, -0.04), (0.0, -0.01, 0.01)),
    "timeliness/completed_180/att": ((-0.06, -0.08, -0.04), (0.0, -0.01, 0.01)),
    "timeliness/restricted_mean_days/att": ((20, 16, 24), (0, -1, 1)),
    "economics/net_public/average": ((-300, -400, -200), (0, -20, 20)),
    "economics/saving/marginal": ((-300, -400, -200), (0, -20, 20)),
}
HARM = WORSE | {key: worse for key, (worse, _) in OTHERS.items()}
NOTHING = NONE | {key: none for key, (_, none) in OTHERS.items()}


def with_numbers(released, root, numbers):
    """Copy released results with other values and intervals of some estimates."""
    shutil.copytree(released / "_results", root / "_results")
    shutil.copy(released / "study.toml", root)
    path = root / "_results" / "estimates.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["id"] in numbers:
            row["value"], row["low"], row["high"] = map(repr, map(float, numbers[row["id"]]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    shutil.rmtree(root / "_results" / DRAWINGS)
    outcomes = json.loads((root / "_results" / "study.json").read_text(encoding="utf-8"))["outcomes"]
    write_drawings(root, root / "_results", read_csv(path), outcomes)
    return root


def texts_of(root, *names):
    """Give chapters as a reader gets them: what their cells and expressions say in their places."""
    texts, faults = told(root, [PROJECT / name for name in names])
    assert faults == []
    return [texts[Path(name).stem] for name in names]


@pytest.mark.parametrize(
    ("numbers", "summary", "discussion"),
    [
        (
            BETTER,
            ["a difference that matters, for the better", "make the service a way to fewer custodial sentences"],
            ["Keep the service within reach", "can be paid for from what it saves", "too many to be left to chance"],
        ),
        (
            WORSE,
            ["a difference that matters, for the worse", "leads to more custody"],
            [
                "Hold back expansion",
                "reconviction was higher among users",
                "Do not present the service as saving money",
                "are few",
            ],
        ),
        (
            NONE,
            ["no difference that matters", "rule out an effect on custody that matters"],
            ["Look to its other aims", "neither fits the numbers", "balance is near nought", "over a longer time"],
        ),
        (
            UNCLEAR,
            ["too imprecise to say", "do not settle what the service does to custody"],
            ["until more areas or years", "which sizes of either these records rule out", "Do not let money decide yet"],
        ),
    ],
    ids=["better", "worse", "none", "unclear"],
)
def test_summary_discussion_and_advice_follow_the_numbers(released, tmp_path, numbers, summary, discussion):
    texts = texts_of(with_numbers(released, tmp_path, numbers), "index.qmd", "chapters/discussion.qmd")
    for text, said in zip(texts, (summary, discussion), strict=True):
        for words in said:
            assert words in text


def test_nothing_of_a_better_world_is_left_in_a_worse_one(released, tmp_path):
    text = " ".join(texts_of(with_numbers(released, tmp_path, HARM), "index.qmd", "chapters/discussion.qmd"))
    for words in ("for the better", "fewer custodial sentences", "within reach of courts", "can be paid for"):
        assert words not in text


OF_HARM = "This is a difference that matters, for the worse"
OF_NOTHING = "This shows no difference that matters"


@pytest.mark.parametrize(
    ("numbers", "summary", "said"),
    [
        (HARM, "contact with the service leads to more custody", OF_HARM),
        (NOTHING, "rule out an effect on custody that matters", OF_NOTHING),
    ],
    ids=["harm", "nothing"],
)
def test_the_rendered_report_of_a_harmful_or_idle_service_says_so(books, tmp_path, numbers, summary, said):
    root = shutil.copytree(books["report"].parent, tmp_path / "report", ignore=shutil.ignore_patterns("_results", "_report"))
    with_numbers(books["report"].parent, root, numbers)
    pages = build(root, to="html", say=lambda text: None)
    assert summary in rendered(pages / "index.html")
    for name in ("diversion", "reconviction", "timeliness", "economics"):
        text = rendered(pages / "chapters" / f"{name}.html")
        assert said in text, name
        assert "for the better" not in text, name


def rendered(page):
    """Give the text of a page as a reader sees it."""
    body = re.sub(r"<(script|style|nav|details)\b.*?</\1>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", body)).split())
