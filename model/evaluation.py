"""Scores with intervals, threshold and calibration from validation, plots and the model card."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

matplotlib.use("Agg")
from matplotlib import pyplot as plt

ECE_BINS = 10


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Logits -> probabilities, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(logits, np.float64)))


def fit_calibration(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
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
    return {"scale": scale, "offset": offset, "prevalence": 0.5}


def calibrate(logits: np.ndarray, calibration: dict[str, float]) -> np.ndarray:
    """Calibrated probabilities of raw logits."""
    return sigmoid(calibration["scale"] * np.asarray(logits) + calibration["offset"])


def choose_threshold(probabilities: np.ndarray, labels: np.ndarray, sensitivity: float) -> float:
    """The highest threshold at which at least `sensitivity` of the pneumonias are called."""
    positives = np.sort(probabilities[labels == 1])
    missed = int((1 - sensitivity) * len(positives) + 1e-9)  # 0.1 * 100 is 9.99... in binary
    return float(positives[missed])


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """ECE over ten equal-width bins (Guo et al. 2017, for the positive class)."""
    bins = np.minimum((probabilities * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = [
        abs(labels[bins == b].mean() - probabilities[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    return float(np.sum(gaps))


def score_predictions(
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: float,
    patients: Sequence[str],
    seed: int,
    resamples: int = 2000,
) -> dict[str, Any]:
    """Every figure as `[value, low, high]`: 95 % percentile bootstrap that resamples patients.

    Images of one child are not independent, so whole patients are drawn, not images.
    """
    decided = probabilities >= threshold
    metrics: dict[str, Callable[[np.ndarray], float]] = {
        "auc_roc": lambda i: roc_auc_score(labels[i], probabilities[i]),
        "auc_pr": lambda i: average_precision_score(labels[i], probabilities[i]),
        "accuracy": lambda i: (decided[i] == labels[i]).mean(),
        "sensitivity": lambda i: decided[i][labels[i] == 1].mean(),
        "specificity": lambda i: 1 - decided[i][labels[i] == 0].mean(),
        "ece": lambda i: expected_calibration_error(labels[i], probabilities[i]),
        "brier": lambda i: brier_score_loss(labels[i], probabilities[i]),
    }
    everything = np.arange(len(labels))
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    members = [everything[cluster == c] for c in range(cluster.max() + 1)]
    random = np.random.default_rng(seed)
    draws: list[np.ndarray] = []
    while len(draws) < resamples:
        drawn = np.concatenate([members[c] for c in random.integers(0, len(members), len(members))])
        if 0 < labels[drawn].sum() < len(drawn):
            draws.append(drawn)
    scores: dict[str, Any] = {"images": len(labels), "patients": len(members)}
    for name, metric in metrics.items():
        low, high = np.percentile([metric(drawn) for drawn in draws], (2.5, 97.5))
        scores[name] = [round(float(v), 4) for v in (metric(everything), low, high)]
    scores["confusion"] = {
        "true_positive": int((decided & (labels == 1)).sum()),
        "false_negative": int((~decided & (labels == 1)).sum()),
        "false_positive": int((decided & (labels == 0)).sum()),
        "true_negative": int((~decided & (labels == 0)).sum()),
    }
    return scores


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


def plot_evaluation(
    labels: np.ndarray, probabilities: np.ndarray, threshold: float, file: Path
) -> None:
    """ROC curve, reliability diagram and histogram of probabilities by class, in one picture."""
    figure, (roc, reliability, histogram) = plt.subplots(
        1, 3, figsize=(13, 4), layout="constrained"
    )
    false_positives, sensitivities, _ = roc_curve(labels, probabilities)
    roc.plot(false_positives, sensitivities)
    decided = probabilities >= threshold
    roc.plot(
        decided[labels == 0].mean(), decided[labels == 1].mean(), "o", label="stored threshold"
    )
    roc.set(xlabel="1 - specificity", ylabel="sensitivity", title="ROC, official test")
    roc.legend()
    bins = np.minimum((probabilities * ECE_BINS).astype(int), ECE_BINS - 1)
    means = [probabilities[bins == b].mean() for b in np.unique(bins)]
    rates = [labels[bins == b].mean() for b in np.unique(bins)]
    reliability.plot([0, 1], [0, 1], ":", color="grey")
    reliability.plot(means, rates, "o-")
    reliability.set(xlabel="predicted probability", ylabel="observed share", title="Reliability")
    edges = np.linspace(0, 1, 31).tolist()
    histogram.hist(
        [probabilities[labels == 0], probabilities[labels == 1]],
        edges,
        label=["normal", "pneumonia"],
    )
    histogram.axvline(threshold, color="black", linestyle="--", label="threshold")
    histogram.set(xlabel="predicted probability", ylabel="images", title="Test images")
    histogram.legend()
    figure.savefig(file, dpi=110)
    plt.close(figure)


def plot_training(history: dict[str, list[float]], file: Path) -> None:
    """Loss and AUC by epoch, training and validation."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, metric in zip(axes, ("loss", "auc_roc"), strict=True):
        epochs = range(1, len(history[metric]) + 1)
        axis.plot(epochs, history[metric], "o-", label="training")
        axis.plot(epochs, history[f"val_{metric}"], "o-", label="validation")
        axis.set(xlabel="epoch", title=metric, xticks=list(epochs))
        axis.legend()
    figure.savefig(file, dpi=110)
    plt.close(figure)
