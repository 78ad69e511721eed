"""What follows an event in the twin: charge, hearings, verdict and sentence, with the service and without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.data.extracts_justice import DISPOSALS, OFFENCES
from ldeval.data.synthetic_people import ABSENT, Flags, Floats, Ints, logistic
from ldeval.data.twin_parameters import Parameters, day_number

CODE = {name: code for code, name in enumerate(DISPOSALS)}
CUSTODY = CODE["immediate_custody"]
FAR = 100_000
"""Days to something that never happens."""

_UNIFORMS = ("police", "same_day", "crown", "remand", "trial", "first", "verdict", "custody", "other", "stuck", "late")
_NORMALS = ("charge", "listing", "court", "length")


@dataclass(frozen=True, slots=True)
class CaseDraws:
    """All the chance in a case, drawn before it is known whether the service reaches it: both outcomes share it."""

    uniform: dict[str, Floats]
    normal: dict[str, Floats]


def draw_cases(rng: np.random.Generator, n: int) -> CaseDraws:
    """Draw the chance for `n` cases."""
    return CaseDraws(
        {name: rng.random(n) for name in _UNIFORMS},
        {name: rng.standard_normal(n) for name in _NORMALS},
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a case is before it begins. `day` is the event's, in days since 1970; `hearing` events begin in court."""

    day: Ints
    hearing: Flags
    offence: Ints
    prior_log: Floats
    male: Flags
    need: Floats
    frailty: Floats
    severity: Floats
    area_custody: Floats
    area_duration: Floats
    site_effect: Floats
    death_day: Ints

    def take(self, rows: Ints) -> Facts:
        """Give the facts of some rows, repeated as asked."""
        return Facts(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Cases:
    """How each event went; dates in days since 1970, ABSENT where there is none (they may lie after the extract's end)."""

    charge_day: Ints
    listing_day: Ints
    end_day: Ints
    disposal: Ints
    sentence_days: Ints
    release_day: Ints
    crown: Flags
    trial: Flags
    remanded: Flags
    guilty_plea: Flags

    @property
    def charged(self) -> Flags:
        """Whether the event came to court."""
        return np.asarray(self.charge_day != ABSENT)


def run_cases(p: Parameters, draws: CaseDraws, facts: Facts, reached_from: Ints) -> Cases:
    """Run the cases; the service reaches a case from day `reached_from` on (FAR in the future where it never does).

    Only the index case of a person seen is ever reached. The service changes the chance of custody where it arrives before
    the case ends, and the length of the case from first listing on.
    """
    u, z = draws.uniform, draws.normal
    crown = u["crown"] < p.by("courts.crown", OFFENCES)[facts.offence]
    charged = facts.hearing | (u["police"] < p.number("police.charged"))
    remanded = charged & (u["remand"] < logistic(_remand_odds(p, facts, crown)))
    charge, listing = _before_court(p, draws, facts, remanded)
    trial = (u["trial"] < p.number("courts.trial")) & ~crown
    days = court_days(p, u["first"], z["court"], listing, crown, trial, facts.area_duration)
    touched = reached_from <= listing + np.floor(days)
    days = np.where(touched, days * np.exp(p.number("effects.court_days")), days)
    stuck = (u["stuck"] < p.number("courts.never_ends")) & ~remanded
    end = np.where(stuck, FAR, listing + np.floor(days)).astype(np.int64)
    sentence, disposal = _ends(p, draws, facts, crown, end, reached_from)
    died = facts.death_day < end
    end, disposal = np.where(died, facts.death_day, end), np.where(died, CODE["discontinued"], disposal)
    listing = np.where(died & (facts.death_day < listing), ABSENT, listing)
    cautioned = ~charged & (u["police"] < p.number("police.charged") + p.number("police.cautioned"))
    out_of_court = np.where(cautioned, CODE["caution"], CODE["no_further_action"])
    disposal = np.where(charged, disposal, out_of_court)
    end = np.where(charged, end, np.minimum(facts.day + np.floor(u["same_day"] * 30).astype(np.int64), facts.death_day))
    custody = disposal == CUSTODY
    on_remand = np.where(remanded, end - charge, 0)
    inside = np.maximum(np.floor(p.number("sentencing.release_share") * sentence).astype(np.int64) - on_remand, 0)
    return Cases(
        charge_day=np.where(charged & (charge <= facts.death_day), charge, ABSENT),
        listing_day=np.where(charged, listing, ABSENT),
        end_day=end,
        disposal=disposal,
        sentence_days=np.where(custody, sentence, ABSENT),
        release_day=np.where(custody, end + inside, ABSENT),
        crown=crown,
        trial=trial,
        remanded=remanded,
        guilty_plea=~trial & (u["verdict"] >= sum(p("courts.verdict").values())),
    )


def _remand_odds(p: Parameters, facts: Facts, crown: Flags) -> Floats:
    return (
        p.number("sentencing.remand")
        + p.number("sentencing.remand_severity") * facts.severity
        + p.number("sentencing.remand_crown") * crown
    )


def _before_court(p: Parameters, draws: CaseDraws, facts: Facts, remanded: Flags) -> tuple[Ints, Ints]:
    """Days of charge and of first listing. The remanded are charged at once and heard the next day."""
    spread = p.number("courts.log_sd_charge")
    later = np.floor(log_normal(p.number("police.charge_mean"), spread, draws.normal["charge"]))
    to_charge = np.where(remanded | (draws.uniform["same_day"] < p.number("police.same_day")), 0, later)
    to_listing = np.floor(log_normal(p.number("courts.charge_to_listing_study"), 0.6, draws.normal["listing"]))
    to_listing = np.where(remanded, 1, to_listing)
    charge = np.where(facts.hearing, facts.day - to_listing, facts.day + to_charge)
    return charge.astype(np.int64), np.where(facts.hearing, facts.day, charge + to_listing).astype(np.int64)


def court_days(p: Parameters, u_first: Floats, z: Floats, day: Ints, crown: Flags, trial: Flags, area_duration: Floats) -> Floats:
    """Days from first listing to the end: at once, log-normal after adjournments, longer for a trial or the Crown Court."""
    years = year_of(day)
    at_once = p.number("courts.at_first_listing")
    mean = np.full(len(z), p.number("courts.magistrates_days") / (1 - at_once))
    mean = np.where(trial, p.by_year("courts.trial_days", years), mean)
    mean = np.where(crown, p.by_year("courts.crown_days", years), mean)
    area_sd = p.number("areas.duration_sd")
    days = log_normal(mean, p.number("courts.log_sd"), z) * np.exp(area_duration - area_sd**2 / 2)
    return np.where(~crown & ~trial & (u_first < at_once), 0.0, days)


def _ends(p: Parameters, draws: CaseDraws, facts: Facts, crown: Flags, end: Ints, reached_from: Ints) -> tuple[Ints, Ints]:
    """Length of sentence, were it custody, and the disposal of a case that runs its course."""
    u = draws.uniform
    acquitted, discontinued = p.number("courts.verdict", "acquitted"), p.number("courts.verdict", "discontinued")
    odds = custody_odds(p, facts, crown)
    effect = p.number("effects.custody") + facts.site_effect
    odds = odds + np.where(reached_from <= end, effect, 0.0)
    disposal = np.where(u["custody"] < logistic(odds), CUSTODY, other_sentence(p, u["other"]))
    disposal = np.where(u["verdict"] < acquitted + discontinued, CODE["discontinued"], disposal)
    disposal = np.where(u["verdict"] < acquitted, CODE["acquitted"], disposal)
    return sentence_length(p, facts.offence, facts.severity, draws.normal["length"], crown), disposal


def other_sentence(p: Parameters, uniform: Floats) -> Ints:
    """Give the sentences of cases that do not end in immediate custody."""
    names = tuple(p("sentencing.others"))
    shares = np.cumsum(p.by("sentencing.others", names))
    return np.array([CODE[name] for name in names])[np.searchsorted(shares[:-1], uniform, side="right")]


def custody_odds(p: Parameters, facts: Facts, crown: Flags) -> Floats:
    """Log odds of immediate custody, given a conviction and no service."""
    odds: Floats = (
        p.by("sentencing.intercept", OFFENCES)[facts.offence]
        + p.number("sentencing.history") * facts.prior_log
        + p.number("sentencing.male") * (facts.male - p.number("people.male"))
        + p.number("sentencing.crown") * crown
        + p.number("sentencing.frailty") * np.log(np.maximum(facts.frailty, 0.05))
        + p.number("sentencing.severity") * facts.severity
        + p.number("sentencing.unrecorded_need") * facts.need
        + p.number("sentencing.year") * (year_of(facts.day) - 2017)
        + facts.area_custody
    )
    return odds


def sentence_length(p: Parameters, offence: Ints, severity: Floats, z: Floats, crown: Flags) -> Ints:
    """Days of custody imposed: log-normal about the group's mean, rising with severity, within the magistrates' limit."""
    mean = p.by("sentencing.mean_months", OFFENCES) * p.by("sentencing.length_factor", OFFENCES) * 365.25 / 12
    mixed = 0.5 * severity + np.sqrt(0.75) * z
    days = np.ceil(log_normal(mean[offence], p.number("sentencing.length_sd"), mixed)).astype(np.int64)
    limit = np.where(crown, 30 * 365, int(p.number("sentencing.magistrates_limit")))
    return np.clip(days, 7, limit)


def log_normal(mean: Floats | float, sd: float, z: Floats) -> Floats:
    """Give log-normal values with this mean from standard normal ones; `sd` is on the log scale."""
    return mean * np.exp(sd * z - sd**2 / 2)


def year_of(day: Ints) -> Ints:
    """Give the calendar year of days since 1970 (of the nearest sensible day, for those that never come)."""
    years = np.clip(day, day_number("1970-01-01"), day_number("2030-01-01")).astype("M8[D]").astype("M8[Y]")
    return years.astype(np.int64) + 1970
