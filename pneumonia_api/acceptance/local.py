"""A calibration, a threshold and an uncertain band of this hospital's own, fitted to its films.

Cross-fitted: each patient is judged by what was fitted to the others, so the figures are what new
patients may expect. Decides nothing by itself: `acceptance.site_profile` makes a site profile of
it, which an admin may switch on.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pneumonia_api.acceptance.calibration import (
    Calibration,
    fit_line,
    measure_calibration,
    to_log_odds,
    to_probability,
)
from pneumonia_api.acceptance.figures import Figures, measure
from pneumonia_api.acceptance.films import Film
from pneumonia_api.records.profiles import MIN_PATIENTS

FOLDS = 5

MISSED = 0.03
"""Of the ill; the threshold is chosen by the rule of the model's own, which finds 97 %."""

BAND_ERRORS = 0.01
"""Of the ill below the uncertain band, and of the healthy above it; the rule of the model's own
(`model.evaluation.calibration.choose_uncertain`)."""

STEP = 10_000
"""Threshold and band have four decimals, as the probability that is shown."""


class TooFewFilms(ValueError):
    """Why nothing is fitted, in one sentence."""


@dataclass(frozen=True)
class Fit:
    """A line in log-odds: `intercept` and `slope`.

    `threshold`, and the band from `low` to below `high`, are probabilities that it gives.
    """

    intercept: float
    slope: float
    threshold: float
    low: float
    high: float

    def judge(self, film: Film) -> Film:
        """The film as this would have judged it."""
        moved = to_probability(self.intercept + self.slope * to_log_odds(film.own))
        return replace(
            film,
            probability=moved,
            called=moved >= self.threshold,
            uncertain=self.low <= moved < self.high,
        )


@dataclass(frozen=True)
class Local:
    """What is fitted to all films, and what it is worth.

    `figures` and `calibration` are cross-fitted, and `before` is the calibration of the model's own
    probability on the same films.
    """

    fit: Fit
    figures: Figures
    before: Calibration
    calibration: Calibration


def list_usable(films: Iterable[Film]) -> list[Film]:
    """Those to which something may be fitted: the result is shown on a page."""
    return [film for film in films if film.shown]


def fit_local(films: Iterable[Film]) -> Local:
    """Fit to the films whose result is shown. Raises TooFewFilms."""
    shown = list_usable(films)
    found = measure(shown)
    if min(found.patients_ill, found.patients_healthy) < MIN_PATIENTS:
        raise TooFewFilms(
            f"A local calibration needs {MIN_PATIENTS} patients with pneumonia and {MIN_PATIENTS} "
            f"without; there are {found.patients_ill} and {found.patients_healthy}."
        )
    fit = _fit(shown)
    judged = list[Film]()
    for fold in range(FOLDS):
        others = _fit([film for film in shown if _find_fold(film) != fold])
        judged += [others.judge(film) for film in shown if _find_fold(film) == fold]
    own = [replace(film, probability=film.own) for film in shown]
    before, after = measure_calibration(own), measure_calibration(judged)
    if before is None or after is None:
        raise TooFewFilms(SEPARATED)
    return Local(fit, measure(judged), before, after)


SEPARATED = "The probability separates all films, or does not rise with illness; no line fits."


def _fit(films: Sequence[Film]) -> Fit:
    line = fit_line([replace(film, probability=film.own) for film in films])
    if line is None or line[0][1] <= 0:
        raise TooFewFilms(SEPARATED)
    intercept, slope = line[0]
    found = [to_probability(intercept + slope * to_log_odds(film.own)) for film in films]
    ill, healthy = (
        sorted(p for p, film in zip(found, films, strict=True) if film.ill is label)
        for label in (True, False)
    )
    # Rounded down, so that the film by which it is chosen is found.
    threshold = _place(math.floor(ill[_count(MISSED, ill)] * STEP))
    low = min(math.floor(ill[_count(BAND_ERRORS, ill)] * STEP) / STEP, threshold)
    highest = healthy[-1 - _count(BAND_ERRORS, healthy)]
    high = max((math.floor(highest * STEP) + 1) / STEP, threshold)
    return Fit(intercept, slope, threshold, _place(low * STEP), _place(high * STEP))


def _count(share: float, films: Sequence[float]) -> int:
    return int(share * len(films) + 1e-9)  # 0.01 * 100 may be 0.99... in binary


def _place(steps: float) -> float:
    """A probability of so many steps, neither 0 nor 1."""
    return min(max(round(steps), 1), STEP - 1) / STEP


def _find_fold(film: Film) -> int:
    """All films of a patient are in one fold, and in the same at every call."""
    return hashlib.sha256(film.patient.encode()).digest()[0] % FOLDS
