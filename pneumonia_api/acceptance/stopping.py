"""When to stop: the rule that is written before the first film is read.

For sensitivity and for specificity it compares two hypotheses, film by film: that the figure is as
the plan expects, and that it is the least that the plan accepts. It is Wald's sequential
probability ratio test (1945, Ann. Math. Stat. 16:117) without its lower limit. The ratio is a bet
against the expected figure at fair odds, so whatever the number of films, it exceeds 1 / a with a
chance of at most a if the figure is at least as expected (Ville 1939; Ramdas et al. 2023, Stat.
Sci. 38:576). So one may look after every film. It begins again with each quarter of a year.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from pneumonia_api.acceptance.films import Film

FALSE_ALARMS = {"sensitivity": 0.01, "specificity": 0.04}
"""The chance of a false alarm in a quarter, together 5 %. A loss of sensitivity shows after few
films of ill patients; one of specificity needs all the evidence that it can get."""


@dataclass(frozen=True)
class Bet:
    """One test in the current quarter: `films` so far, `evidence` the ratio as it is now.

    It alarms where the ratio has exceeded `limit` once; `alarm` is the number of the film, of both
    classes in this quarter, at which it did, or None.
    """

    expected: float
    least: float
    films: int
    evidence: float
    limit: float
    alarm: int | None


def follow(films: Iterable[Film], measure: str, expected: float, least: float) -> Bet:
    """The test of `measure`, one of FALSE_ALARMS, in the quarter of the last film.

    Films count in the order in which their labels became known, and of each patient the first in
    the quarter alone, because the films of one patient resemble each other. Raises ValueError
    unless 0 < `least` < `expected` <= 1.
    """
    if not 0 < least < expected <= 1:
        raise ValueError("the least that is accepted must be below what is expected")
    expected = min(expected, 1 - MARGIN)
    right, wrong = math.log(least / expected), math.log((1 - least) / (1 - expected))
    limit = 1 / FALSE_ALARMS[measure]
    is_ill = measure == "sensitivity"
    seen: set[tuple[str, bool]] = set()
    logarithm, count, alarm = 0.0, 0, None
    for number, film in enumerate(list_quarter(films), 1):
        if film.ill is not is_ill or (film.patient, film.ill) in seen:
            continue
        seen.add((film.patient, film.ill))
        count += 1
        logarithm += right if film.called is film.ill else wrong
        if alarm is None and logarithm >= math.log(limit):
            alarm = number
    return Bet(expected, least, count, math.exp(min(logarithm, 700.0)), limit, alarm)


MARGIN = 0.005
"""Who expects no error at all would stop at the first: one in 200 is always allowed."""


def list_quarter(films: Iterable[Film]) -> list[Film]:
    """The films whose labels became known in the last quarter that has any, in that order."""
    ordered = sorted(films, key=lambda film: film.at)
    quarters = [list(each) for _, each in groupby(ordered, lambda film: name_quarter(film.at))]
    return quarters[-1] if quarters else []


def name_quarter(moment: str) -> str:
    """The quarter (UTC) of an ISO 8601 time, such as 2026-Q4."""
    at = datetime.fromisoformat(moment)
    return f"{at.year}-Q{(at.month + 2) // 3}"
