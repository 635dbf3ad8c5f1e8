"""What a calibration and a threshold of this hospital's own would give, before anybody wants one.

Cross-fitted: each patient is judged by a line and a threshold that were fitted to the others, so
the figures are what new patients may expect. Changes nothing in service: the threshold is stored
with the weights (docs/decisions/threshold-rule.md).
"""

import hashlib
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

MIN_PATIENTS = 100
"""Ill ones and healthy ones each: twice of what an acceptance needs, because two numbers and a
threshold are fitted to them."""

FOLDS = 5

MISSED = 0.03
"""Of the ill; the threshold is chosen by the rule of the model's own, which finds 97 %."""


class TooFewFilms(ValueError):
    """Why no line is fitted, in one sentence."""


@dataclass(frozen=True)
class Local:
    """A line in log-odds (`intercept`, `slope`) and a `threshold` of the model's own probability.

    They are fitted to all films; `figures` and `calibration` are cross-fitted, and `before` is the
    calibration of the same films without the line.
    """

    intercept: float
    slope: float
    threshold: float
    figures: Figures
    before: Calibration
    calibration: Calibration


def fit_local(films: Iterable[Film]) -> Local:
    """Fit to the films whose result is shown. Raises TooFewFilms."""
    shown = [film for film in films if film.shown]
    found = measure(shown)
    if min(found.patients_ill, found.patients_healthy) < MIN_PATIENTS:
        raise TooFewFilms(
            f"A local calibration needs {MIN_PATIENTS} patients with pneumonia and {MIN_PATIENTS} "
            f"without; there are {found.patients_ill} and {found.patients_healthy}."
        )
    intercept, slope, threshold = _fit(shown)
    judged = list[Film]()
    for fold in range(FOLDS):
        others = [film for film in shown if _find_fold(film) != fold]
        own = [film for film in shown if _find_fold(film) == fold]
        judged += _judge(own, *_fit(others))
    before, after = measure_calibration(shown), measure_calibration(judged)
    if before is None or after is None:
        raise TooFewFilms(SEPARATED)
    return Local(intercept, slope, threshold, measure(judged), before, after)


SEPARATED = "The probability separates all films, or does not rise with illness; no line fits."


def _fit(films: Sequence[Film]) -> tuple[float, float, float]:
    line = fit_line(films)
    if line is None or line[0][1] <= 0:
        raise TooFewFilms(SEPARATED)
    ill = sorted(film.probability for film in films if film.ill)
    return *line[0], ill[int(MISSED * len(ill))]


def _judge(
    films: Iterable[Film], intercept: float, slope: float, threshold: float
) -> Iterable[Film]:
    for film in films:
        moved = to_probability(intercept + slope * to_log_odds(film.probability))
        yield replace(film, probability=moved, called=film.probability >= threshold)


def _find_fold(film: Film) -> int:
    """All films of a patient are in one fold, and in the same at every call."""
    return hashlib.sha256(film.patient.encode()).digest()[0] % FOLDS
