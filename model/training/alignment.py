"""Remove from pooled features what tells one source of X-rays from the others.

Where all X-rays of a source are healthy, a head learns to recognise the source instead of the
illness. The directions in which linear classifiers separate that source from the others are
therefore projected out of the features, one after the other: iterative nullspace projection
(Ravfogel et al. 2020, "Null It Out"). The head is fitted on what is left, and `fold` puts the
projection into its weights afterwards, so the network keeps its layers.
"""

from dataclasses import dataclass

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression

from model.network.gradcam import HEAD_SUFFIX

REGULARISATION = 0.01
"""scikit-learn's C of the classifiers, in units of standardised features: they are to find what
all X-rays of a source share, not single X-rays."""

_LEAST_DEVIATION = 0.05
"""Of a feature that hardly varies; it would be amplified without limit."""


@dataclass(frozen=True)
class Alignment:
    """Standardise features (N, D) by `mean` and `deviation` (D,), then remove `directions` (K, D).

    The directions are orthonormal.
    """

    mean: np.ndarray
    deviation: np.ndarray
    directions: np.ndarray

    def apply(self, features: np.ndarray) -> np.ndarray:
        """The features (N, D) float32 that are left."""
        standard = (features.astype(np.float32) - self.mean) / self.deviation
        return standard - (standard @ self.directions.T) @ self.directions


def fit_alignment(
    features: np.ndarray, weights: np.ndarray, of_source: np.ndarray, count: int
) -> Alignment:
    """Find `count` directions in which `of_source` (N,) differ from the other `features` (N, D).

    `weights` (N,) are those of the X-rays; both sides get the same total.
    """
    weights = np.where(
        of_source, weights / weights[of_source].sum(), weights / weights[~of_source].sum()
    )
    weights *= len(weights) / weights.sum()
    mean = np.average(features, axis=0, weights=weights).astype(np.float32)
    spread = np.average((features - mean) ** 2, axis=0, weights=weights)
    deviation = np.sqrt(np.maximum(spread, _LEAST_DEVIATION**2)).astype(np.float32)
    found = Alignment(mean, deviation, np.empty((0, features.shape[1]), np.float32))
    for _ in range(count):
        fitted = LogisticRegression(C=REGULARISATION, max_iter=300).fit(
            found.apply(features), of_source, sample_weight=weights
        )
        direction = fitted.coef_[0].astype(np.float32)
        # The classifier of what is left is nearly, not exactly, orthogonal to what was removed.
        direction -= (direction @ found.directions.T) @ found.directions
        direction /= np.linalg.norm(direction)
        found = Alignment(mean, deviation, np.vstack([found.directions, direction]))
    return found


def fold(network: keras.Model, features: str, alignment: Alignment) -> None:
    """Make the head on `features`, fitted on aligned ones, read the pooled features as they are.

    Its first normalisation becomes the standardisation, and the normalisation that it had learned
    and the projection go into the kernel after it.
    """
    head = f"{features}{HEAD_SUFFIX}"
    norm = network.get_layer(f"{head}_bn")
    names = {layer.name for layer in network.layers}
    first = f"{head}_dense1" if f"{head}_dense1" in names else f"{head}_logit"
    dense = network.get_layer(first)
    kernel = np.asarray(dense.kernel)
    slope = np.asarray(norm.gamma) / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    shift = (np.asarray(norm.beta) - np.asarray(norm.moving_mean) * slope) @ kernel
    scaled = slope[:, None] * kernel
    directions = alignment.directions
    dense.kernel.assign(scaled - directions.T @ (directions @ scaled))
    if dense.use_bias:
        dense.bias.assign_add(shift)
    else:  # the normalisation that follows takes its mean away
        after = network.get_layer(f"{first}_bn")
        after.moving_mean.assign_sub(shift)
    norm.gamma.assign(np.ones_like(slope))
    norm.beta.assign(np.zeros_like(slope))
    norm.moving_mean.assign(alignment.mean)
    norm.moving_variance.assign(alignment.deviation**2 - norm.epsilon)
