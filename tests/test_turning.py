"""The text turns with the numbers: the same chapters on released results that show harm, nothing, or too little to say."""

import csv
import re
import shutil
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
CELL = re.compile(r"^```\{python\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`\{python\} ([^`]*)`")
CUSTODY, AGAIN, MONEY = "diversion/risk_difference/att", "reconviction/hazard_ratio/att", "economics/net_public/marginal"
NEEDS = "profile/several_below"

BETTER = {CUSTODY: (-0.06, -0.08, -0.04), AGAIN: (0.8, 0.75, 0.85), MONEY: (300, 200, 400), NEEDS: (0.27, 0.26, 0.28)}
WORSE = {CUSTODY: (0.06, 0.04, 0.08), AGAIN: (1.25, 1.2, 1.3), MONEY: (-300, -400, -200), NEEDS: (0.02, 0.01, 0.03)}
NONE = {CUSTODY: (0.0, -0.01, 0.01), AGAIN: (1.0, 0.95, 1.05), MONEY: (0, -20, 20), NEEDS: (0.05, 0.04, 0.06)}
UNCLEAR = {CUSTODY: (0.0, -0.05, 0.05), AGAIN: (1.0, 0.8, 1.2), MONEY: (0, -200, 200), NEEDS: (0.05, 0.04, 0.06)}


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
    return root


def text_of(name):
    """Give a chapter as a reader gets it: what its cells and expressions say in their places."""
    names = {}

    def run(found):
        lines = found[1].rstrip().split("\n")
        exec("\n".join(lines), names)
        last = "\n".join(lines)
        return eval(last, names).data if last.startswith(("says(", "verdict_table(")) else ""

    text = CELL.sub(run, (PROJECT / name).read_text(encoding="utf-8"))
    return INLINE.sub(lambda found: eval(found[1], names).data, text)


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
            ["until more areas or years", "these records exclude neither", "Do not let money decide yet"],
        ),
    ],
    ids=["better", "worse", "none", "unclear"],
)
def test_summary_discussion_and_advice_follow_the_numbers(released, tmp_path, monkeypatch, numbers, summary, discussion):
    monkeypatch.chdir(with_numbers(released, tmp_path, numbers))
    for name, said in (("index.qmd", summary), ("chapters/discussion.qmd", discussion)):
        text = text_of(name)
        for words in said:
            assert words in text, (name, words)


def test_nothing_of_a_better_world_is_left_in_a_worse_one(released, tmp_path, monkeypatch):
    monkeypatch.chdir(with_numbers(released, tmp_path, WORSE))
    text = text_of("index.qmd") + text_of("chapters/discussion.qmd")
    for words in ("for the better", "fewer custodial sentences", "within reach of courts", "can be paid for"):
        assert words not in text
