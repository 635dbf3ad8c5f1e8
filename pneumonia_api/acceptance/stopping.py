"""When to stop: the rule that is written before the first film is read.

For sensitivity and for specificity it asks film by film whether there are more errors than a model
as good as expected makes. After each film an alarm may use up some of the chance of a false alarm
that the quarter has, most of it by the film SOON, so that a loss from the first film on is found by
then, and the rest for as many films as follow (alpha spending: Lan and DeMets 1983, Biometrika
70:659). The number of errors that alarms is computed exactly from that, by the binomial
distribution of the errors of those courses that had no alarm before. So one may look after every
film, and a model that is at least as good as expected alarms with at most the stated chance. It
begins again with each quarter of a year.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise

from pneumonia_api.acceptance.films import Film

FALSE_ALARMS = {"sensitivity": 0.01, "specificity": 0.04}
"""The chance of a false alarm in a quarter, together 5 %. A loss of sensitivity shows after few
films of ill patients; one of specificity needs all the evidence that it can get."""

SOON = 200
"""Read films, of both classes, within which a loss should be found."""

EARLY = 0.7
"""Of the chance of a false alarm, what is used up by then."""

LATE = 400
"""Read films after SOON by which about two thirds of the rest are used up."""

MARGIN = 0.005
"""Who expects no error at all would stop at the first: one in 200 is always allowed."""

NEGLIGIBLE = 1e-13
"""Courses so unlikely are left out; all that there are make no difference to the fifth digit."""


@dataclass(frozen=True)
class Bet:
    """One test in the current quarter: `films` so far, each of another patient, and `errors`.

    It alarms from `limit` errors on, which is for so many films; after an alarm it is what it was
    then. `alarm` is the number of the film, of both classes in this quarter, at which it alarmed,
    or None.
    """

    expected: float
    least: float
    films: int
    errors: int
    limit: int
    alarm: int | None


class Course:
    """The number of errors from which on the next film alarms, if it is one."""

    def __init__(self, expected: float, chance: float) -> None:
        self._error = 1 - expected
        self._chance = chance
        self._spent = 0.0
        self._lowest = 0  # the number of errors of the first of `_likely`
        self._likely = [1.0]  # chance of each number of errors without an alarm before

    def go_on(self, film: int) -> int:
        """The limit after one more film of a patient, the read film number `film` of the quarter.

        The number may depend on the calendar and on other patients, not on errors.
        """
        error = self._error
        before = [0.0, *self._likely, 0.0]
        likely = [error * fewer + (1 - error) * same for fewer, same in pairwise(before)]
        allowed = self._chance * spend(film)
        limit = self._lowest + len(likely)
        while likely and self._spent + likely[-1] <= allowed:
            self._spent += likely.pop()
            limit -= 1
        while len(likely) > 1 and likely[0] < NEGLIGIBLE:
            del likely[0]
            self._lowest += 1
        self._likely = likely
        return limit


def spend(film: int) -> float:
    """The share of the chance of a false alarm that is used up by the read film `film`, from 1."""
    if film <= SOON:
        return EARLY * (film / SOON) ** 2
    return EARLY + (1 - EARLY) * (1 - math.exp((SOON - film) / LATE))


def follow(films: Iterable[Film], measure: str, expected: float, least: float) -> Bet:
    """The test of `measure`, one of FALSE_ALARMS, in the quarter of the last film.

    Films count in the order in which their labels became known, and of each patient the first in
    the quarter alone, because the films of one patient resemble each other. Raises ValueError
    unless 0 < `least` < `expected` <= 1.
    """
    if not 0 < least < expected <= 1:
        raise ValueError("the least that is accepted must be below what is expected")
    expected = min(expected, 1 - MARGIN)
    course = Course(expected, FALSE_ALARMS[measure])
    is_ill = measure == "sensitivity"
    seen: set[tuple[str, bool]] = set()
    count = errors = 0
    limit, alarm = 1, None
    for number, film in enumerate(list_quarter(films), 1):
        if film.ill is not is_ill or (film.patient, film.ill) in seen:
            continue
        seen.add((film.patient, film.ill))
        count += 1
        errors += film.called is not film.ill
        if alarm is None:
            limit = course.go_on(number)
            alarm = number if errors >= limit else None
    return Bet(expected, least, count, errors, limit, alarm)


def list_quarter(films: Iterable[Film]) -> list[Film]:
    """The films whose labels became known in the last quarter that has any, in that order."""
    ordered = sorted(films, key=lambda film: film.at)
    quarters = [list(each) for _, each in groupby(ordered, lambda film: name_quarter(film.at))]
    return quarters[-1] if quarters else []


def name_quarter(moment: str) -> str:
    """The quarter (UTC) of an ISO 8601 time, such as 2026-Q4."""
    at = datetime.fromisoformat(moment)
    return f"{at.year}-Q{(at.month + 2) // 3}"
