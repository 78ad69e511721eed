"""Reads `study.toml` into one frozen `Study`; every fault is reported at once, by key."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator


class _Part(BaseModel):
    """A table of the protocol: frozen, and a key that is not known is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Protocol(_Part):
    """Title, dates and windows. Windows are half-open: the day after the last one is outside."""

    title: str = Field(min_length=1)
    referral_window: tuple[date, date]
    follow_up_days: int = Field(gt=0)
    conviction_wait_days: int = Field(ge=0)

    @model_validator(mode="after")
    def _window_has_days(self) -> Protocol:
        first, last = self.referral_window
        if first > last:
            raise ValueError(f"referral_window must not end ({last}) before it begins ({first})")
        return self


class Twin(_Part):
    """Which synthetic twin stands in for real extracts: `identified` or `hidden`, its seed, and the users expected."""

    name: Literal["identified", "hidden"] = "identified"
    seed: int = Field(default=1, ge=0)
    users: int = Field(default=8729, ge=1)


def _whole_date(written: str) -> str:
    """Refuse what does not name a day, a month and a year with its century, once each."""
    if sorted(re.findall("%.?", written)) not in (["%Y", "%d", "%m"], ["%Y", "%b", "%d"]):
        raise ValueError(
            f"must hold %d, %m (or %b for Jan, Feb, ...) and %Y once each, and nothing else with %, found {written!r}"
        )
    return written


class Data(_Part):
    """Where the records are ("twin" or a folder), which engine reads them, and their own names for our columns.

    `extract_end` is the last day that the extracts cover: what is open then is censored on it. `date_format` says how an
    extract of CSV writes its dates, where that is not as 2017-09-30: it is declared, never guessed. `master` says where Spark
    is: on this machine (`local[*]`), a cluster (`spark://host:7077`) or a Spark Connect server (`sc://host:15002`); `spark`
    holds settings of Spark's own (`"spark.executor.memory" = "8g"`). DuckDB reads neither.
    """

    source: str = "twin"
    engine: Literal["duckdb", "spark"] = "duckdb"
    master: Annotated[str, Field(pattern=r"^(local(\[([1-9][0-9]*|\*)\])?|spark://[^/\s:]+:[0-9]+|sc://\S+)$")] = "local[*]"
    spark: dict[str, str] = Field(default_factory=dict)
    extract_end: date = date(2019, 6, 30)
    twin: Twin = Twin()
    columns: dict[str, dict[str, str]] = Field(default_factory=dict)
    date_format: dict[str, Annotated[str, AfterValidator(_whole_date)]] = Field(default_factory=dict)


class Linkage(_Part):
    """A pair of records at or above `threshold` (a match probability) is taken as the same person; `seed` fixes all chance."""

    threshold: float = Field(default=0.95, gt=0, lt=1)
    seed: int = Field(default=1, ge=0)


class Cohort(_Part):
    """Who is eligible, and when a user counts as seen at the index event.

    Contact with the service up to `latest_contact_days` after the index event makes a user; who is seen later than
    `prompt_contact_days` after it enters late. `historical_window` gives the earlier calendar window of the sensitivity
    analysis. Where a release is missing, it is taken at `release_share` of the sentence.
    """

    historical_window: tuple[date, date] | None = None
    adult_age: int = Field(default=18, ge=10)
    prompt_contact_days: int = Field(default=7, ge=0)
    latest_contact_days: int = Field(default=60, ge=0)
    release_share: float = Field(default=0.5, gt=0, le=1)

    @model_validator(mode="after")
    def _windows_in_order(self) -> Cohort:
        if self.historical_window and self.historical_window[0] > self.historical_window[1]:
            raise ValueError("historical_window must not end before it begins")
        if self.prompt_contact_days > self.latest_contact_days:
            raise ValueError("prompt_contact_days must not exceed latest_contact_days")
        return self


class Release(_Part):
    """The disclosure policy by name."""

    policy: Literal["none", "nhs-hes"] = "nhs-hes"


class Economics(_Part):
    """How money is counted: whose, in the prices of which year, over how long, at which scale, with how many draws.

    `deflator` names a series of `data/facts/gdp_deflator.csv`. Days served after the first year are spread evenly over the
    years of the horizon that follow. `worth_up_to` is the far end, in pounds, of the curve of what one custodial sentence
    avoided may be worth. `published` are savings in millions of pounds that the reverse table asks after; no other number
    depends on them.
    """

    perspective: Literal["public sector", "society"] = "public sector"
    price_year: str = "2017-18"
    deflator: str = "OBR_c2025_financial"
    horizon_years: int = Field(default=3, ge=1)
    discount_rate: float = Field(default=0.035, ge=0, lt=1)
    referrals_a_year: int = Field(default=16315, gt=0)
    draws: int = Field(default=2000, ge=100)
    seed: int = Field(default=1, ge=0)
    worth_up_to: int = Field(default=20_000, gt=0)
    published: tuple[float, ...] = (13.1, 41.5)


class Outcome(_Part):
    """One outcome: its question, estimand, adjustment set, clusters, the smallest effect that matters, which way is better.

    `unit` is that of `matters` (in percentage points, 0.02 is two of them): a verdict is given on estimates of that unit alone.
    """

    question: str
    estimand: Literal["ATT", "ATE", "ATO", "ITT", "conditional", "descriptive"]
    adjust: tuple[str, ...] = ()
    cluster: str | None = None
    matters: Annotated[float, Field(description="a ratio (further from 1 matters) or a difference (further from 0)")]
    unit: Literal["ratio", "percentage points", "days", "pounds"]
    better: Literal["lower", "higher", ""] = ""


class Study(_Part):
    """The whole protocol."""

    study: Protocol
    data: Data = Data()
    linkage: Linkage = Linkage()
    cohort: Cohort = Cohort()
    release: Release = Release()
    economics: Economics = Economics()
    outcomes: dict[str, Outcome] = Field(default_factory=dict)


def read_study(path: Path) -> Study:
    """Read and check the protocol.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not UTF-8 TOML (line and column are named), or keys are missing, unknown or out of range
            (all of them at once, by key).

    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: no such file; a study needs one (see README.md)") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not readable as TOML: {error}") from error
    try:
        return Study.model_validate(raw)
    except ValidationError as error:
        faults = [f"  {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_url=False)]
        raise ValueError(f"{path}: {len(faults)} fault(s)\n" + "\n".join(faults)) from error
