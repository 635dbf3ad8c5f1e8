"""From logits to decisions: Platt scaling and the threshold, both chosen on validation."""

from collections.abc import Mapping

import numpy as np
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression

from model.serving.artifact import Calibration
from model.serving.finding import UncertainBand

UNCERTAIN_SHARE = 0.99
"""Sensitivity at the lower end of the uncertain band, and specificity at its upper end."""

_STEP = 10_000
"""Its ends have four decimals, as the probability that is shown."""


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Logits -> probabilities, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(logits, np.float64)))


def fit_calibration(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """Platt scaling (Platt 1999) with equal weight for both classes.

    The probability is therefore the one at a prevalence of 50 %: three in four children of the
    training set are ill because of how it was collected, and no clinic is like that. Scaling may
    soften the network but never sharpen it: validation comes from the same collection as training
    and is easier than later images, so a scale above 1 would turn that ease into overconfidence,
    and a confident error costs the most.
    """
    weights = np.where(labels == 1, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    fitted = LogisticRegression(C=np.inf).fit(logits[:, None], labels, sample_weight=weights)
    scale, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if scale > 1:
        scale = 1.0

        def excess(shift: float) -> float:
            return float(np.average(sigmoid(logits + shift), weights=weights) - 0.5)

        offset = float(brentq(excess, -20, 20))
    return Calibration(scale, offset, prevalence=0.5)


def calibrate(logits: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Calibrated probabilities of raw logits."""
    return sigmoid(calibration.scale * np.asarray(logits) + calibration.offset)


def choose_threshold(probabilities: np.ndarray, labels: np.ndarray, sensitivity: float) -> float:
    """The highest threshold at which at least `sensitivity` of the pneumonias are called."""
    positives = np.sort(probabilities[labels == 1])
    missed = int((1 - sensitivity) * len(positives) + 1e-9)  # 0.1 * 100 is 9.99... in binary
    return float(positives[min(missed, len(positives) - 1)])


def choose_common_threshold(
    probabilities: np.ndarray,
    labels: np.ndarray,
    sources: np.ndarray,
    sensitivity: float,
    own: Mapping[str, float],
) -> float:
    """The highest threshold at which enough pneumonias of every source (N,) are called.

    That is the share in `own` for the X-rays of a source that is named there, and `sensitivity` for
    all others together. One threshold for all: nobody has to know where an X-ray is from.
    """
    parts = {name: sources == name for name in own}
    shares = dict(own)
    others = ~np.isin(sources, list(own))
    if labels[others].any():
        parts[""], shares[""] = others, sensitivity
    return min(
        choose_threshold(probabilities[rows], labels[rows], shares[name])
        for name, rows in parts.items()
        if labels[rows].any()
    )


def choose_uncertain(
    probabilities: np.ndarray, labels: np.ndarray, threshold: float
) -> UncertainBand:
    """From the threshold of 99 % sensitivity to that of 99 % specificity, and around `threshold`.

    So of the X-rays outside the band, few are called wrongly on either side. 95 % specificity would
    end it below the threshold, where the shipped model has 97 % on validation already.
    """
    low = choose_threshold(probabilities, labels, UNCERTAIN_SHARE)
    normals = np.sort(probabilities[labels == 0])
    called = int((1 - UNCERTAIN_SHARE) * len(normals) + 1e-9)
    above = np.floor(normals[-1 - called] * _STEP) + 1  # the first step that it does not reach
    # A threshold nearer to 0 or 1 than one step is an end itself: no band may leave it out.
    return UncertainBand(
        low=min(float(max(np.floor(min(low, threshold) * _STEP), 1) / _STEP), threshold),
        high=max(float(min(max(above, np.ceil(threshold * _STEP)), _STEP - 1) / _STEP), threshold),
    )
