"""Which images are refused: `model.serving.density` and its limits, fitted and measured.

Fitted on training X-rays and, where a folder of them is given, on half of the patients of
unlabelled X-rays of other origin, so that another scanner is no reason to refuse. The limits come
from validation X-rays and the same half. Images that are no chest X-rays are only measured.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.serving.artifact import OodLimits
from model.serving.density import FeatureDensity, choose_limit, fit_density, is_in_fitting_half

COMPONENTS = 32
OTHER_WEIGHT = 0.5
"""Weight of the X-rays of other origin in the fit, however few they are."""

# Highest shares beyond each limit: validation X-rays, their views, those of other origin.
SHARES = {"limit": (0.005, 0.005, 0.015), "warning": (0.02, 0.02, 0.05)}


@dataclass(frozen=True)
class Features:
    """Features (N, D) of the files of a folder, their names, and how many could not be read."""

    values: np.ndarray
    names: list[str]
    unreadable: int


@dataclass(frozen=True)
class Pictures:
    """Images of a folder as serving sees them, (N, S, S, 1) uint8, their names, and how many files
    could not be read."""

    images: np.ndarray
    names: list[str]
    unreadable: int


def fit_refusal(
    training: np.ndarray, validation: np.ndarray, augmented: np.ndarray, other: Features | None
) -> tuple[FeatureDensity, OodLimits]:
    """Density and limits from features (N, D) of training and validation X-rays, these in two ways.

    `augmented` are views of validation X-rays, `other` are X-rays of another origin, named by
    patient up to the first `_`.
    """
    features, weights = training, np.full(len(training), 1 / len(training))
    groups = [validation, augmented]
    if other:
        half = other.values[fitting_half(other)]
        features = np.concatenate([training, half])
        share = np.full(len(half), OTHER_WEIGHT / len(half))
        weights = np.concatenate([(1 - OTHER_WEIGHT) * weights, share])
        groups.append(half)
    density = fit_density(features, weights, COMPONENTS)
    distances = [density.measure(group) for group in groups]
    limits = OodLimits(
        **{name: choose_limit(distances, shares[: len(groups)]) for name, shares in SHARES.items()}
    )
    return density, limits


def fitting_half(other: Features) -> np.ndarray:
    """(N,) bool: the X-rays of other origin that the fit may see, by patient."""
    return np.array([is_in_fitting_half(patient_of(name)) for name in other.names])


def patient_of(name: str) -> str:
    """The patient by the name of a file of other origin: what stands before its first `_`."""
    return Path(name).name.partition("_")[0]


def count_refused(
    density: FeatureDensity, limits: OodLimits, features: np.ndarray, unreadable: int = 0
) -> dict[str, Any]:
    """How many of (N, D) features and unreadable files are refused and doubted."""
    distances = density.measure(features)
    refused = int((distances > limits.limit).sum()) + unreadable
    return {
        "images": len(features) + unreadable,
        "refused": refused,
        "share": round(refused / (len(features) + unreadable), 4),
        "doubted": int((distances > limits.warning).sum()) + unreadable - refused,
    }
