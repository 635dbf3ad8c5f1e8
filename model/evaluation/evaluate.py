"""Everything that is reported of one labelled set: scores, operating points, curves, bins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from model.evaluation.bootstrap import RESAMPLES, Estimate, estimate, summarise
from model.evaluation.scores import (
    Predictions,
    Scores,
    balance,
    balanced_calibration_error,
    find_bins,
    rank_metrics,
    score_predictions,
)

# Rare, common, and as in the official test.
PREVALENCES = (0.05, 0.2, 0.625)
THRESHOLDS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
HISTOGRAM_BINS = 25


@dataclass(frozen=True)
class OperatingPoint:
    """One threshold; `ppv` and `npv` by prevalence, whose keys are such as `0.05`."""

    threshold: float
    sensitivity: Estimate
    specificity: Estimate
    ppv: dict[str, Estimate]
    npv: dict[str, Estimate]


@dataclass(frozen=True)
class Curve:
    """A curve on a grid of 201 points from 0 to 1, with its pointwise 95 % band."""

    x: list[float]
    y: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True)
class Curves:
    """`roc`: the best sensitivity at a false positive rate of at most x. `pr`: the precision at
    the highest threshold whose recall is at least x."""

    roc: Curve
    pr: Curve


@dataclass(frozen=True)
class ReliabilityBin:
    """Images of one bin, their mean probability, and the share of pneumonias among them.

    `observed` is the share as collected; `balanced` the share if both classes were equally common,
    which is the prevalence that the probability is stated for.
    """

    images: int
    predicted: float
    observed: Estimate
    balanced: float


@dataclass(frozen=True)
class Histogram:
    """Images in equal bins of the probability from 0 to 1, by label."""

    normal: list[int]
    pneumonia: list[int]


@dataclass(frozen=True)
class Evaluation:
    """All figures of one labelled set at the stored threshold; `panels` draws them."""

    threshold: float
    scores: Scores
    ece_balanced: Estimate
    operating_points: list[OperatingPoint]
    curves: Curves
    reliability: list[ReliabilityBin]
    histogram: Histogram

    @property
    def stored_point(self) -> OperatingPoint:
        """The operating point of the stored threshold."""
        return next(p for p in self.operating_points if p.threshold == self.threshold)


def evaluate(
    predictions: Predictions, threshold: float, seed: int, resamples: int = RESAMPLES
) -> Evaluation:
    """Evaluate predictions at the stored `threshold` and at THRESHOLDS."""
    labels, probabilities = predictions.labels, predictions.probabilities
    draws = predictions.draw(seed, resamples)

    def balanced(i: np.ndarray) -> float:
        return balanced_calibration_error(labels[i], probabilities[i])

    normal, pneumonia = (
        np.histogram(probabilities[labels == label], HISTOGRAM_BINS, (0, 1))[0].tolist()
        for label in (0, 1)
    )
    return Evaluation(
        threshold=threshold,
        scores=score_predictions(predictions, threshold, seed, resamples),
        ece_balanced=estimate({"ece": balanced}, len(labels), draws)["ece"],
        operating_points=[
            describe_threshold(predictions, value, draws)
            for value in sorted({*THRESHOLDS, threshold})
        ],
        curves=trace_curves(predictions, draws),
        reliability=describe_reliability(predictions, draws),
        histogram=Histogram(normal, pneumonia),
    )


def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float, float]:
    """PPV and NPV at a prevalence, by Bayes' rule; NaN when nobody was called ill, or healthy."""
    true_positive, false_positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    true_negative, false_negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    called, cleared = true_positive + false_positive, true_negative + false_negative
    return (
        true_positive / called if called else float("nan"),
        true_negative / cleared if cleared else float("nan"),
    )


def describe_threshold(
    predictions: Predictions, threshold: float, draws: Sequence[np.ndarray]
) -> OperatingPoint:
    """Sensitivity, specificity, and PPV and NPV at each of PREVALENCES, at one threshold."""
    metrics = rank_metrics(predictions, threshold)
    rates = [
        (metrics["sensitivity"](i), metrics["specificity"](i))
        for i in (np.arange(len(predictions.labels)), *draws)
    ]
    at = {
        f"{prevalence:g}": np.array([predictive_values(*rate, prevalence) for rate in rates])
        for prevalence in PREVALENCES
    }
    sensitivity, specificity = np.array(rates).T
    return OperatingPoint(
        threshold=threshold,
        sensitivity=summarise(sensitivity[0], sensitivity[1:]),
        specificity=summarise(specificity[0], specificity[1:]),
        ppv={key: summarise(values[0, 0], values[1:, 0]) for key, values in at.items()},
        npv={key: summarise(values[0, 1], values[1:, 1]) for key, values in at.items()},
    )


def trace_curves(predictions: Predictions, draws: Sequence[np.ndarray]) -> Curves:
    """ROC and precision-recall curves, with the pointwise 95 % band of the draws."""
    labels, probabilities = predictions.labels, predictions.probabilities
    grid = np.linspace(0, 1, 201)

    def roc(i: np.ndarray) -> np.ndarray:
        false_positives, sensitivities, _ = roc_curve(labels[i], probabilities[i])
        return sensitivities[np.searchsorted(false_positives, grid + 1e-9, "right") - 1]

    def precision_recall(i: np.ndarray) -> np.ndarray:
        precisions, recalls, _ = precision_recall_curve(labels[i], probabilities[i])
        rising = recalls[::-1]
        return precisions[::-1][np.searchsorted(rising, np.maximum(grid, 1e-9) - 1e-9)]

    curves = []
    for trace in (roc, precision_recall):
        low, high = np.percentile([trace(drawn) for drawn in draws], (2.5, 97.5), axis=0)
        lines = (grid, trace(np.arange(len(labels))), low, high)
        curves.append(Curve(*(line.round(4).tolist() for line in lines)))
    return Curves(*curves)


def describe_reliability(
    predictions: Predictions, draws: Sequence[np.ndarray]
) -> list[ReliabilityBin]:
    """Each bin that holds images, in order of the probability."""
    labels, probabilities = predictions.labels, predictions.probabilities
    bins, weights = find_bins(probabilities), balance(labels)
    described = []
    for b in np.unique(bins):
        inside = bins == b

        def observed(i: np.ndarray, inside: np.ndarray = inside) -> float:
            return float(labels[i][inside[i]].mean()) if inside[i].any() else float("nan")

        described.append(
            ReliabilityBin(
                images=int(inside.sum()),
                predicted=round(float(probabilities[inside].mean()), 4),
                observed=estimate({"share": observed}, len(labels), draws)["share"],
                balanced=round(float(np.average(labels[inside], weights=weights[inside])), 4),
            )
        )
    return described
