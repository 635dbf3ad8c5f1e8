"""How unlike a frontal chest X-ray an image is, by the network's own features.

Probabilistic PCA (Tipping & Bishop 1999, J. R. Stat. Soc. B 61:611) of pooled conv4 features. The
distance is the Mahalanobis distance under that covariance, so deviations in directions in which
X-rays hardly vary count most. The images that it is meant to refuse played no part in fitting it or
in choosing its limit.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from model.serving.artifact import OOD_NAME

Features = TypeVar("Features")
"""An array or a Keras tensor."""


@dataclass(frozen=True)
class FeatureDensity:
    """The distribution of the features of chest X-rays.

    `mean` and `scale` (D,) standardise a feature; `components` (K, D) are orthonormal, `variances`
    (K,) are theirs, and `noise` is the variance in every other direction.
    """

    mean: np.ndarray
    scale: np.ndarray
    components: np.ndarray
    variances: np.ndarray
    noise: float

    def measure(self, features: Features) -> Features:
        """(N, D) features -> (N,) squared distances per dimension; about 1 for a training X-ray.

        Uses operators only, so that it works on arrays and in the Keras graph for serving.
        """
        centred = (features - self.mean) / self.scale
        along = (centred @ self.components.T) ** 2
        across = centred**2 @ np.ones_like(self.mean) - along @ np.ones_like(self.variances)
        return (along @ (1 / self.variances) + across / self.noise) / len(self.mean)


MIN_VARIANCE = 1e-6
"""Least variance of standardised features in any direction: with fewer X-rays than features, the
covariance has eigenvalues of 0, which rounding may turn negative, and distances with them."""


def fit_density(features: np.ndarray, weights: np.ndarray, components: int) -> FeatureDensity:
    """Fit to (N, D) features with (N,) weights, which let a small group count like a large one."""
    weights = weights / weights.sum()
    mean = weights @ features
    scale = np.sqrt(weights @ (features - mean) ** 2) + 1e-3
    centred = (features - mean) / scale
    variances, directions = np.linalg.eigh((centred * weights[:, None]).T @ centred)
    variances = np.maximum(variances, MIN_VARIANCE)
    kept = slice(None, -components - 1, -1)  # eigenvalues ascend
    return FeatureDensity(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        components=directions.T[kept].astype(np.float32),
        variances=variances[kept].astype(np.float32),
        noise=float(variances[:-components].mean()),
    )


def choose_limit(groups: Sequence[np.ndarray], shares: Sequence[float]) -> float:
    """The lowest limit that each group of X-rays exceeds by at most its share."""
    return float(
        max(np.quantile(group, 1 - share) for group, share in zip(groups, shares, strict=True))
    )


def is_in_fitting_half(name: str) -> bool:
    """Whether an image may be used to set a limit: decided by the parity of its name's SHA-256."""
    return hashlib.sha256(name.encode()).digest()[-1] % 2 == 0


def write_density(folder: Path, density: FeatureDensity) -> None:
    """Write `ood.npz` into an artifact's folder."""
    np.savez_compressed(folder / OOD_NAME, **vars(density))


def read_density(folder: Path) -> FeatureDensity:
    """Read what `write_density` wrote. Raises FileNotFoundError."""
    with np.load(folder / OOD_NAME) as arrays:
        values = {name: arrays[name] for name in arrays.files}
    return FeatureDensity(**{**values, "noise": float(values["noise"])})
