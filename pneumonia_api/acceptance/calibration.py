"""Whether a probability of 0.3 means three of ten: slope, intercept and calibration error.

The model states probabilities as if half of the films were of ill patients, and a hospital has
fewer. So the films are weighted until each class has half of the weight: what is measured is what
the model promises, and the prevalence is left to the site's own setting.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pneumonia_api.acceptance.figures import Estimate
from pneumonia_api.acceptance.films import Film
from pneumonia_api.intervals import Z

BINS = 10
"""Of equal width, as in the model card."""

CLIP = 1e-6
"""Probabilities this near to 0 and 1 are as certain as any."""

STEPS = 50

Point = tuple[float, float]
Matrix = tuple[float, float, float]
"""A symmetric one of two rows: both diagonal elements, then the other."""


@dataclass(frozen=True)
class Calibration:
    """Slope, intercept and expected calibration error, each with its 95 % interval by patient.

    The log-odds of being ill are `intercept` + `slope` times the model's (Cox 1958, Biometrika
    45:562): 0 and 1 if it is right; a slope below 1 means that it is too sure of itself. `chance`
    is the error that so few films would show of a model that is right.
    """

    slope: Estimate
    intercept: Estimate
    error: Estimate
    chance: float


def measure_calibration(films: Sequence[Film]) -> Calibration | None:
    """The calibration; None unless both classes are there and overlap.

    Where a value of the model separates them, no slope fits better than a steeper one.
    """
    found = fit_line(films)
    if found is None:
        return None
    (intercept, slope), spread = found
    return Calibration(
        slope=_surround(slope, spread[1]),
        intercept=_surround(intercept, spread[0]),
        error=_measure_error(films),
        chance=_find_chance(films),
    )


def fit_line(films: Sequence[Film]) -> tuple[Point, Point] | None:
    """Intercept and slope in log-odds, and the variance of each between patients; None if none fit.

    Weighted logistic regression by Newton's method; the variance is the robust one by cluster
    (Liang and Zeger 1986, Biometrika 73:13).
    """
    weights = balance(films)
    if not weights or _separates(films):
        return None
    # From 0 the steps are short; from a slope of 1 they diverge for a model that is too sure.
    point = (0.0, 0.0)
    for _ in range(STEPS):
        gradient, bread = _differentiate(films, weights, point)
        total = (sum(each[0] for each in gradient.values()), sum(e[1] for e in gradient.values()))
        inverse = _invert(bread)
        if inverse is None:
            return None
        step = _multiply(inverse, total)
        point = (point[0] + step[0], point[1] + step[1])
        if not all(map(math.isfinite, point)) or max(map(abs, point)) > 1000:
            return None
        if max(map(abs, step)) < 1e-9:
            return point, _find_robust(inverse, gradient)
    return None


def balance(films: Sequence[Film]) -> dict[bool, float]:
    """The weight of a film of each class, such that both have half; empty without both."""
    ill = sum(film.ill for film in films)
    if not 0 < ill < len(films):
        return {}
    return {True: len(films) / (2 * ill), False: len(films) / (2 * (len(films) - ill))}


def to_log_odds(probability: float) -> float:
    """ln(p / (1 - p)), never infinite."""
    clipped = min(max(probability, CLIP), 1 - CLIP)
    return math.log(clipped / (1 - clipped))


def to_probability(log_odds: float) -> float:
    """The inverse, from 0 to 1, for any number."""
    if log_odds < 0:
        return math.exp(log_odds) / (1 + math.exp(log_odds))
    return 1 / (1 + math.exp(-log_odds))


def _separates(films: Iterable[Film]) -> bool:
    """Whether some probability has all of one class on one side."""
    films = list(films)
    ill, healthy = ([f.probability for f in films if f.ill is label] for label in (True, False))
    return min(ill) >= max(healthy) or min(healthy) >= max(ill)


def _differentiate(
    films: Iterable[Film], weights: Mapping[bool, float], point: Point
) -> tuple[dict[str, list[float]], Matrix]:
    """The gradient of each patient, and the information of all, at intercept and slope."""
    gradient: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    first = second = mixed = 0.0
    for film in films:
        x, weight = to_log_odds(film.probability), weights[film.ill]
        fitted = to_probability(point[0] + point[1] * x)
        rest = weight * (film.ill - fitted)
        gradient[film.patient][0] += rest
        gradient[film.patient][1] += rest * x
        inner = weight * fitted * (1 - fitted)
        first, second, mixed = first + inner, second + inner * x * x, mixed + inner * x
    return gradient, (first, second, mixed)


def _invert(matrix: Matrix) -> Matrix | None:
    first, second, mixed = matrix
    determinant = first * second - mixed * mixed
    if determinant <= 1e-12 * max(first * second, 1e-300):
        return None
    return second / determinant, first / determinant, -mixed / determinant


def _multiply(matrix: Matrix, vector: Sequence[float]) -> Point:
    first, second, mixed = matrix
    return first * vector[0] + mixed * vector[1], mixed * vector[0] + second * vector[1]


def _find_robust(inverse: Matrix, gradient: Mapping[str, Sequence[float]]) -> Point:
    moved = [_multiply(inverse, each) for each in gradient.values()]
    small = len(moved) / max(1, len(moved) - 1)
    return small * sum(a * a for a, _ in moved), small * sum(b * b for _, b in moved)


def _surround(value: float, variance: float) -> Estimate:
    half = Z * math.sqrt(variance)
    return Estimate(value, value - half, value + half)


def _measure_error(films: Sequence[Film]) -> Estimate:
    """The expected calibration error; its interval takes the sign of each bin's error as known."""
    weights = balance(films)
    bins = _fill(films, weights)
    total = sum(weights[film.ill] for film in films)
    error = sum(abs(called - ill) for called, ill, _ in bins) / total
    patients: dict[str, float] = defaultdict(float)
    for film in films:
        called, ill, _ = bins[_find_bin(film)]
        sign = 1 if called >= ill else -1
        own = sign * (film.probability - film.ill) - error
        patients[film.patient] += weights[film.ill] * own / total
    small = len(patients) / max(1, len(patients) - 1)
    half = Z * math.sqrt(small * sum(each * each for each in patients.values()))
    return Estimate(error, max(0.0, error - half), min(1.0, error + half))


def _find_chance(films: Sequence[Film]) -> float:
    """The mean error of a model that is right: that of a normal variable around 0 in each bin."""
    weights = balance(films)
    total = sum(weights[film.ill] for film in films)
    bins = _fill(films, weights)
    return sum(math.sqrt(2 / math.pi * spread) for _, _, spread in bins) / total


def _fill(films: Iterable[Film], weights: Mapping[bool, float]) -> list[tuple[float, float, float]]:
    """For each bin the weighted sums of probabilities and of the ill, and the variance of these."""
    bins = [(0.0, 0.0, 0.0)] * BINS
    for film in films:
        weight, number = weights[film.ill], _find_bin(film)
        called, ill, spread = bins[number]
        own = weight * film.probability * (1 - film.probability) * weight
        bins[number] = (called + weight * film.probability, ill + weight * film.ill, spread + own)
    return bins


def _find_bin(film: Film) -> int:
    return min(int(film.probability * BINS), BINS - 1)
