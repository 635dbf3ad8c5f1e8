"""From predictions to figures: threshold and calibration from validation, scores with intervals.

Every figure is `[value, low, high]`, as `model.evaluation.bootstrap` makes it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from model.evaluation.bootstrap import RESAMPLES, Metric, draw_patients, estimate, summarise
from model.serving.artifact import Calibration

ECE_BINS = 10
# Rare, common, and as in the official test.
PREVALENCES = (0.05, 0.2, 0.625)
THRESHOLDS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Logits -> probabilities, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(logits, np.float64)))


def fit_calibration(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """Platt scaling (Platt 1999) on validation, both classes weighing the same.

    The probability is thus the one at a prevalence of 50 %: three in four children of the training
    set are ill because of how it was collected, and no clinic is like that. It may soften the
    network but never sharpen it: validation comes from the same collection as training and is
    easier than what comes after, so a scale above 1 would turn that ease into confidence, and a
    confident error costs the most.
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
    return float(positives[missed])


def expected_calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """ECE over ten equal-width bins (Guo et al. 2017, for the positive class)."""
    weights = np.ones(len(labels)) if weights is None else weights
    bins = bin_of(probabilities)
    gaps = [abs(np.sum(((labels - probabilities) * weights)[bins == b])) for b in np.unique(bins)]
    return float(np.sum(gaps) / weights.sum())


def bin_of(probabilities: np.ndarray) -> np.ndarray:
    """The index, 0 to 9, of each probability's bin."""
    return np.minimum((probabilities * ECE_BINS).astype(int), ECE_BINS - 1)


def balance(labels: np.ndarray, prevalence: float = 0.5) -> np.ndarray:
    """Weights (N,) under which `prevalence` of the images are pneumonias."""
    share = labels.mean()
    return np.where(labels == 1, prevalence / share, (1 - prevalence) / (1 - share))


def rank_metrics(
    labels: np.ndarray, probabilities: np.ndarray, threshold: float
) -> dict[str, Metric]:
    """AUC, sensitivity and specificity, for `estimate`."""
    decided = probabilities >= threshold
    return {
        "auc_roc": lambda i: roc_auc_score(labels[i], probabilities[i]),
        "sensitivity": lambda i: decided[i][labels[i] == 1].mean(),
        "specificity": lambda i: 1 - decided[i][labels[i] == 0].mean(),
    }


def score_predictions(
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: float,
    patients: Sequence[str],
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """The figures that an artifact keeps of one split, with counts and the confusion matrix."""
    decided = probabilities >= threshold
    metrics: dict[str, Metric] = {
        **rank_metrics(labels, probabilities, threshold),
        "auc_pr": lambda i: average_precision_score(labels[i], probabilities[i]),
        "accuracy": lambda i: (decided[i] == labels[i]).mean(),
        "ece": lambda i: expected_calibration_error(labels[i], probabilities[i]),
        "brier": lambda i: brier_score_loss(labels[i], probabilities[i]),
    }
    draws = draw_patients(labels, patients, seed, resamples)
    return {
        "images": len(labels),
        "patients": len(set(patients)),
        **estimate(metrics, len(labels), draws),
        "confusion": {
            "true_positive": int((decided & (labels == 1)).sum()),
            "false_negative": int((~decided & (labels == 1)).sum()),
            "false_positive": int((decided & (labels == 0)).sum()),
            "true_negative": int((~decided & (labels == 0)).sum()),
        },
    }


def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float, float]:
    """PPV and NPV at a prevalence, by Bayes' rule."""
    true_positive, false_positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    true_negative, false_negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    called, cleared = true_positive + false_positive, true_negative + false_negative
    return (
        true_positive / called if called else float("nan"),  # nobody was called ill
        true_negative / cleared if cleared else float("nan"),
    )


def evaluate(
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: float,
    patients: Sequence[str],
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """All that is reported of one labelled set, fit for JSON; `plots.plot_evaluation` draws it."""
    draws = draw_patients(labels, patients, seed, resamples)
    weights = balance(labels)

    def balanced(i: np.ndarray) -> float:
        return expected_calibration_error(labels[i], probabilities[i], weights[i])

    return {
        "threshold": threshold,
        "scores": score_predictions(labels, probabilities, threshold, patients, seed, resamples),
        "ece_balanced": estimate({"ece": balanced}, len(labels), draws)["ece"],
        "operating_points": [
            describe_threshold(labels, probabilities, value, draws)
            for value in sorted({*THRESHOLDS, threshold})
        ],
        "curves": trace_curves(labels, probabilities, draws),
        "reliability": describe_reliability(labels, probabilities, draws),
        "histogram": {
            name: np.histogram(probabilities[labels == label], 25, (0, 1))[0].tolist()
            for label, name in enumerate(("normal", "pneumonia"))
        },
    }


def describe_threshold(
    labels: np.ndarray, probabilities: np.ndarray, threshold: float, draws: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Sensitivity, specificity, and PPV and NPV at each of PREVALENCES, at one threshold."""
    metrics = rank_metrics(labels, probabilities, threshold)
    rates = [
        (metrics["sensitivity"](i), metrics["specificity"](i))
        for i in (np.arange(len(labels)), *draws)
    ]
    at = {
        f"{prevalence:g}": np.array([predictive_values(*rate, prevalence) for rate in rates])
        for prevalence in PREVALENCES
    }
    sensitivity, specificity = np.array(rates).T
    return {
        "threshold": threshold,
        "sensitivity": summarise(sensitivity[0], sensitivity[1:]),
        "specificity": summarise(specificity[0], specificity[1:]),
        "ppv": {key: summarise(values[0, 0], values[1:, 0]) for key, values in at.items()},
        "npv": {key: summarise(values[0, 1], values[1:, 1]) for key, values in at.items()},
    }


def trace_curves(
    labels: np.ndarray, probabilities: np.ndarray, draws: Sequence[np.ndarray]
) -> dict[str, dict[str, list[float]]]:
    """ROC and precision-recall curves on a grid, with the pointwise 95 % band of the draws.

    `roc`: the best sensitivity at a false positive rate of at most x. `pr`: the precision at the
    highest threshold whose recall is at least x.
    """
    grid = np.linspace(0, 1, 201)

    def roc(i: np.ndarray) -> np.ndarray:
        false_positives, sensitivities, _ = roc_curve(labels[i], probabilities[i])
        return sensitivities[np.searchsorted(false_positives, grid + 1e-9, "right") - 1]

    def precision_recall(i: np.ndarray) -> np.ndarray:
        precisions, recalls, _ = precision_recall_curve(labels[i], probabilities[i])
        rising = recalls[::-1]
        return precisions[::-1][np.searchsorted(rising, np.maximum(grid, 1e-9) - 1e-9)]

    curves = {}
    for name, curve in (("roc", roc), ("pr", precision_recall)):
        low, high = np.percentile([curve(drawn) for drawn in draws], (2.5, 97.5), axis=0)
        lines = {"x": grid, "y": curve(np.arange(len(labels))), "low": low, "high": high}
        curves[name] = {key: line.round(4).tolist() for key, line in lines.items()}
    return curves


def describe_reliability(
    labels: np.ndarray, probabilities: np.ndarray, draws: Sequence[np.ndarray]
) -> list[dict[str, Any]]:
    """For each bin in use: images, mean probability and share of pneumonias.

    `observed` is the share as it is; `balanced` the share if both classes were equally common,
    which is the prevalence that the probability is stated for.
    """
    bins, weights = bin_of(probabilities), balance(labels)
    described = []
    for b in np.unique(bins):
        inside = bins == b

        def observed(i: np.ndarray, inside: np.ndarray = inside) -> float:
            return float(labels[i][inside[i]].mean()) if inside[i].any() else float("nan")

        described.append(
            {
                "images": int(inside.sum()),
                "predicted": round(float(probabilities[inside].mean()), 4),
                "observed": estimate({"share": observed}, len(labels), draws)["share"],
                "balanced": round(float(np.average(labels[inside], weights=weights[inside])), 4),
            }
        )
    return described


def score_subgroups(
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: float,
    groups: Mapping[str, np.ndarray],
    patients: Sequence[str],
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, dict[str, Any]]:
    """AUC and sensitivity of each group of pneumonias (a mask, (N,) bool) against all normals."""
    found: dict[str, dict[str, Any]] = {}
    children = np.asarray(patients)
    for name, mask in groups.items():
        kept = np.flatnonzero(mask | (labels == 0))
        some = labels[kept]
        draws = draw_patients(some, children[kept].tolist(), seed, resamples)
        metrics = rank_metrics(some, probabilities[kept], threshold)
        found[name] = {
            "images": int(mask.sum()),
            "patients": len(set(children[mask].tolist())),
            **estimate(metrics, len(kept), draws),
        }
    return found
