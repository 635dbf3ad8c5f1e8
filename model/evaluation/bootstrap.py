"""95 % intervals by a bootstrap that resamples patients (Efron and Tibshirani 1993).

Images of one child are not independent, so whole patients are drawn, not images.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000

Metric = Callable[[np.ndarray], float]
"""Indices of images, a draw -> a figure; NaN where it is undefined."""


class Estimate(NamedTuple):
    """A figure and its 95 % interval, rounded to four decimals; in JSON, a list of three.

    None where a figure is undefined, such as the PPV when nobody was called ill.
    """

    value: float | None
    low: float | None
    high: float | None


def draw_patients(
    labels: np.ndarray, patients: Sequence[str], seed: int, resamples: int = RESAMPLES
) -> list[np.ndarray]:
    """Bootstrap draws: each holds the indices of the images of as many patients as there are.

    Whole patients are drawn, with replacement; a draw that lacks a class is drawn again.
    """
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    members = [np.flatnonzero(cluster == c) for c in range(cluster.max() + 1)]
    classes = len(np.unique(labels))
    random = np.random.default_rng(seed)
    draws: list[np.ndarray] = []
    while len(draws) < resamples:
        drawn = np.concatenate([members[c] for c in random.integers(0, len(members), len(members))])
        if len(np.unique(labels[drawn])) == classes:
            draws.append(drawn)
    return draws


def estimate(
    metrics: Mapping[str, Metric], images: int, draws: Sequence[np.ndarray]
) -> dict[str, Estimate]:
    """Each metric over all `images`, with its interval over the draws."""
    everything = np.arange(images)
    return {
        name: summarise(metric(everything), [metric(drawn) for drawn in draws])
        for name, metric in metrics.items()
    }


def summarise(value: float, resampled: Sequence[float] | np.ndarray) -> Estimate:
    """A value and the 2.5 and 97.5 percentiles of its resamples; undefined ones do not count."""
    defined = np.asarray(resampled)[~np.isnan(resampled)]
    low, high = np.percentile(defined, (2.5, 97.5)) if len(defined) else (np.nan, np.nan)
    return Estimate(*(None if np.isnan(v) else round(float(v), 4) for v in (value, low, high)))
