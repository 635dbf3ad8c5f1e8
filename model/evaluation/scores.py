"""Scores of labelled predictions at one threshold, with 95 % intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from model.evaluation.bootstrap import RESAMPLES, Estimate, Metric, draw_patients, estimate
from model.serving.finding import UncertainBand

ECE_BINS = 10


@dataclass(frozen=True)
class Predictions:
    """Calibrated probabilities (N,) of labelled images; labels (N,) are 0 or 1."""

    labels: np.ndarray
    probabilities: np.ndarray
    patients: Sequence[str]

    def select(self, indices: np.ndarray) -> "Predictions":
        """Those of some images."""
        patients = [self.patients[index] for index in indices]
        return Predictions(self.labels[indices], self.probabilities[indices], patients)

    def draw(self, seed: int, resamples: int) -> list[np.ndarray]:
        """Bootstrap draws; see `draw_patients`."""
        return draw_patients(self.labels, self.patients, seed, resamples)


@dataclass(frozen=True)
class Confusion:
    """Images by label and decision."""

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int


@dataclass(frozen=True)
class Scores:
    """What an artifact records of one split; `ece` is the expected calibration error."""

    images: int
    patients: int
    auc_roc: Estimate
    sensitivity: Estimate
    specificity: Estimate
    auc_pr: Estimate
    accuracy: Estimate
    ece: Estimate
    brier: Estimate
    confusion: Confusion


@dataclass(frozen=True)
class BandScores:
    """A split with an uncertain band: the share within it, and the scores of the others."""

    images: int
    uncertain: int
    share: Estimate
    sensitivity: Estimate
    specificity: Estimate


@dataclass(frozen=True)
class GroupScores:
    """Scores of one group of pneumonias, of which there are `images`, against all normal images."""

    images: int
    patients: int
    auc_roc: Estimate
    sensitivity: Estimate
    specificity: Estimate


def score_predictions(
    predictions: Predictions, threshold: float, seed: int, resamples: int = RESAMPLES
) -> Scores:
    """Scores of predictions, with intervals over `resamples` bootstrap draws."""
    labels, probabilities = predictions.labels, predictions.probabilities
    decided = probabilities >= threshold
    metrics: dict[str, Metric] = {
        **rank_metrics(predictions, threshold),
        "auc_pr": lambda i: average_precision_score(labels[i], probabilities[i]),
        "accuracy": lambda i: (decided[i] == labels[i]).mean(),
        "ece": lambda i: expected_calibration_error(labels[i], probabilities[i]),
        "brier": lambda i: np.mean((probabilities[i] - labels[i]) ** 2),
    }
    return Scores(
        images=len(labels),
        patients=len(set(predictions.patients)),
        **estimate(metrics, len(labels), predictions.draw(seed, resamples)),
        confusion=Confusion(
            true_positive=int((decided & (labels == 1)).sum()),
            false_negative=int((~decided & (labels == 1)).sum()),
            false_positive=int((decided & (labels == 0)).sum()),
            true_negative=int((~decided & (labels == 0)).sum()),
        ),
    )


def score_band(
    predictions: Predictions, band: UncertainBand, seed: int, resamples: int = RESAMPLES
) -> BandScores:
    """How many are uncertain; sensitivity and specificity of those that are not."""
    labels, probabilities = predictions.labels, predictions.probabilities
    likely = probabilities >= band.high
    uncertain = (probabilities >= band.low) & ~likely
    metrics: dict[str, Metric] = {
        "share": lambda i: uncertain[i].mean(),
        "sensitivity": lambda i: _mean(likely[i][(labels[i] == 1) & ~uncertain[i]]),
        "specificity": lambda i: 1 - _mean(likely[i][(labels[i] == 0) & ~uncertain[i]]),
    }
    return BandScores(
        images=len(labels),
        uncertain=int(uncertain.sum()),
        **estimate(metrics, len(labels), predictions.draw(seed, resamples)),
    )


def _mean(mask: np.ndarray) -> float:
    return float(mask.mean()) if mask.size else float("nan")


def score_subgroups(
    predictions: Predictions,
    threshold: float,
    groups: Mapping[str, np.ndarray],
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, GroupScores]:
    """AUC and sensitivity of each group of pneumonias (a mask, (N,) bool) against all normals."""
    found = {}
    for name, mask in groups.items():
        some = predictions.select(np.flatnonzero(mask | (predictions.labels == 0)))
        metrics = rank_metrics(some, threshold)
        found[name] = GroupScores(
            images=int(mask.sum()),
            patients=len(set(np.asarray(predictions.patients)[mask].tolist())),
            **estimate(metrics, len(some.labels), some.draw(seed, resamples)),
        )
    return found


def rank_metrics(predictions: Predictions, threshold: float) -> dict[str, Metric]:
    """AUC, sensitivity and specificity, for `estimate`."""
    labels, probabilities = predictions.labels, predictions.probabilities
    decided = probabilities >= threshold
    return {
        "auc_roc": lambda i: area_under_roc(labels[i], probabilities[i]),
        "sensitivity": lambda i: decided[i][labels[i] == 1].mean(),
        "specificity": lambda i: 1 - decided[i][labels[i] == 0].mean(),
    }


def area_under_roc(labels: np.ndarray, scores: np.ndarray) -> float:
    """How often an ill image scores above a healthy one (Hanley and McNeil 1982); ties count half.

    `labels` (N,) must have both classes. Equals scikit-learn's `roc_auc_score`, without the checks
    that take most of its time in thousands of draws.
    """
    ill = labels == 1
    pneumonias = int(ill.sum())
    normals = len(labels) - pneumonias
    above = rankdata(scores)[ill].sum() - pneumonias * (pneumonias + 1) / 2
    return float(above / (pneumonias * normals))


def expected_calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """ECE over ten equal-width bins (Guo et al. 2017, for the positive class)."""
    weights = np.ones(len(labels)) if weights is None else weights
    bins = find_bins(probabilities)
    gaps = [abs(np.sum(((labels - probabilities) * weights)[bins == b])) for b in np.unique(bins)]
    return float(np.sum(gaps) / weights.sum())


def balanced_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """ECE at the prevalence that probabilities are stated for: both classes weigh the same."""
    return expected_calibration_error(labels, probabilities, balance(labels))


def find_bins(probabilities: np.ndarray) -> np.ndarray:
    """The index, 0 to 9, of each probability's bin."""
    return np.minimum((probabilities * ECE_BINS).astype(int), ECE_BINS - 1)


def balance(labels: np.ndarray, prevalence: float = 0.5) -> np.ndarray:
    """Weights (N,) under which `prevalence` of the images are pneumonias."""
    share = labels.mean()
    return np.where(labels == 1, prevalence / share, (1 - prevalence) / (1 - share))
