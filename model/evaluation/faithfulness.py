"""Does a heat map show what the score depends on: deletion and insertion (Petsiuk et al. 2018).

The cells of the map's grid are put in order, the strongest first. *Deletion* replaces them one
share after the other by the film's mean grey: the sooner the probability falls, the better the
order. *Insertion* starts with a blurred film and gives the cells back: the sooner it rises, the
better. The figure is the mean of the probability over the curve. An order that knows nothing of the
network, such as from the centre outwards, shows how much any map of a chest would achieve.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.stats import spearmanr

from model.evaluation.bootstrap import Estimate, draw_patients, estimate

STEPS = 14
"""Steps of a curve; each takes a 14th of the cells."""

BLUR = 16.0
"""Standard deviation of the blur in pixels of the network's input: one cell of the map."""

OURS, PLUSPLUS, CENTRE, RANDOM = "Grad-CAM, as shown", "Grad-CAM++", "centre outwards", "random"
METHODS = (OURS, PLUSPLUS, CENTRE, RANDOM)

Predict = Callable[[np.ndarray], float]
"""(side, side, 1) float32 grey -> the calibrated probability."""


@dataclass(frozen=True)
class FilmCurves:
    """The curves of one film by method, each (STEPS + 1,) probabilities."""

    deletion: dict[str, np.ndarray]
    insertion: dict[str, np.ndarray]


@dataclass(frozen=True)
class CurveScores:
    """Curves of one group of films: their mean, its interval by patient, and against OURS.

    `better` is how much better OURS is than each other order, paired by film: below in deletion,
    above in insertion, so that positive is better in both.
    """

    area: dict[str, Estimate]
    better: dict[str, Estimate]
    mean: dict[str, list[float]]


def order_cells(strength: np.ndarray, seed: int) -> np.ndarray:
    """(S, S) -> the indices (S * S,) of its cells, the strongest first; equal ones at random."""
    shuffled = np.random.default_rng(seed).permutation(strength.size)
    return shuffled[np.argsort(-strength.ravel()[shuffled], kind="stable")]


def make_orders(heatmap: np.ndarray, plusplus: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """The order of the cells by each of METHODS, for two maps (S, S) of one film."""
    side = len(heatmap)
    row, column = np.indices((side, side)) - (side - 1) / 2
    return {
        OURS: order_cells(heatmap, seed),
        PLUSPLUS: order_cells(plusplus, seed),
        CENTRE: order_cells(-np.hypot(row, column), seed),
        RANDOM: order_cells(np.zeros((side, side)), seed),
    }


def draw_curves(
    predict: Predict, image: np.ndarray, orders: Mapping[str, np.ndarray]
) -> FilmCurves:
    """Both curves of one film (side, side, 1) for each order of its cells."""
    grey = np.full_like(image, image.mean())
    blurred = ndimage.gaussian_filter(image, (BLUR, BLUR, 0))
    whole, blank, blur = predict(image), predict(grey), predict(blurred)
    return FilmCurves(
        deletion={
            name: _walk(predict, image, grey, order, whole, blank) for name, order in orders.items()
        },
        insertion={
            name: _walk(predict, blurred, image, order, blur, whole)
            for name, order in orders.items()
        },
    )


def _walk(
    predict: Predict,
    start: np.ndarray,
    end: np.ndarray,
    order: np.ndarray,
    first: float,
    last: float,
) -> np.ndarray:
    """The probability while the cells of `start` are replaced by those of `end`, in this order."""
    cells = round(np.sqrt(len(order)))
    rank = np.empty(len(order))
    rank[order] = np.arange(len(order)) / len(order)
    size = len(start) // cells
    place = np.kron(rank.reshape(cells, cells), np.ones((size, size)))[..., None]
    between = [
        predict(np.where(place < step / STEPS, end, start).astype(np.float32))
        for step in range(1, STEPS)
    ]
    return np.array([first, *between, last])


def find_area(curve: np.ndarray) -> float:
    """The mean of a curve over its steps (trapezoids)."""
    return float(np.trapezoid(curve) / (len(curve) - 1))


def score_curves(
    curves: Sequence[Mapping[str, np.ndarray]],
    patients: Sequence[str],
    sign: int,
    seed: int,
    resamples: int,
) -> CurveScores:
    """Scores of N films' curves by method; `sign` is -1 where a smaller area is better."""
    areas = {name: np.array([find_area(film[name]) for film in curves]) for name in curves[0]}
    draws = draw_patients(np.zeros(len(patients), int), patients, seed, resamples)

    def average(values: np.ndarray) -> Estimate:
        return estimate({"mean": lambda i: float(values[i].mean())}, len(values), draws)["mean"]

    return CurveScores(
        area={name: average(values) for name, values in areas.items()},
        better={
            name: average(sign * (areas[OURS] - values))
            for name, values in areas.items()
            if name != OURS
        },
        mean={
            name: [round(float(p), 4) for p in np.mean([film[name] for film in curves], axis=0)]
            for name in curves[0]
        },
    )


def correlate(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two maps over the cells where either is above 0.

    0 where that is undefined, because one of them is the same everywhere.
    """
    cells = (one > 0) | (other > 0)
    if cells.sum() < 2 or np.ptp(one[cells]) == 0 or np.ptp(other[cells]) == 0:
        return 0.0
    return float(spearmanr(one[cells], other[cells]).statistic)
