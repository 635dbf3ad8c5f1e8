"""The six panels that show one evaluation, drawn from its figures alone."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from model.evaluation.evaluate import Curve, Evaluation, predictive_values
from model.evaluation.plots import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    STYLE,
    describe_estimate,
    save_plot,
    to_array,
)
from model.evaluation.scores import Confusion


def plot_evaluation(evaluation: Evaluation, file: Path) -> None:
    """Six panels: ranking, decisions and calibration, with 95 % bands."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, figsize=(12, 8))
        _draw_roc(axes[0, 0], evaluation)
        _draw_precision_recall(axes[0, 1], evaluation)
        _draw_confusion(axes[0, 2], evaluation.scores.confusion)
        _draw_reliability(axes[1, 0], evaluation)
        _draw_histogram(axes[1, 1], evaluation)
        _draw_predictive_values(axes[1, 2], evaluation)
        save_plot(figure, file, asdict(evaluation))


def _draw_curve(axis: Axes, curve: Curve, label: str) -> None:
    axis.fill_between(
        curve.x, curve.low, curve.high, step="post", color=BLUE, alpha=0.2, linewidth=0
    )
    axis.step(curve.x, curve.y, where="post", color=BLUE, label=label)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")


def _draw_roc(axis: Axes, evaluation: Evaluation) -> None:
    point, scores = evaluation.stored_point, evaluation.scores
    axis.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
    _draw_curve(axis, evaluation.curves.roc, f"AUC {describe_estimate(scores.auc_roc)}")
    _draw_point(axis, 1 - to_array(point.specificity), to_array(point.sensitivity))
    axis.set(xlabel="1 - specificity", ylabel="sensitivity", title="a  ROC")
    axis.legend(loc="lower right")


def _draw_precision_recall(axis: Axes, evaluation: Evaluation) -> None:
    scores = evaluation.scores
    counts = scores.confusion
    share = (counts.true_positive + counts.false_negative) / scores.images
    axis.axhline(share, linestyle=":", color=GREY, linewidth=1)
    axis.annotate(
        f"by chance {share:.3f}", (0, share), (0, -4), textcoords="offset points", va="top"
    )
    _draw_curve(axis, evaluation.curves.pr, f"area {describe_estimate(scores.auc_pr)}")
    called = counts.true_positive + counts.false_positive
    if called:
        precision = counts.true_positive / called
        axis.plot(
            to_array(scores.sensitivity)[0], precision, "o", color=ORANGE, label="stored threshold"
        )
    axis.set(xlabel="recall (sensitivity)", ylabel="precision (PPV)", title="b  Precision-recall")
    axis.legend(loc="lower left")


def _draw_point(axis: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """A value with its intervals in both directions; `x` may be in descending order."""
    axis.errorbar(
        x[0],
        y[0],
        xerr=[[x[0] - min(x)], [max(x) - x[0]]],
        yerr=[[y[0] - min(y)], [max(y) - y[0]]],
        fmt="o",
        color=ORANGE,
        capsize=2,
        label="stored threshold",
    )


def _draw_confusion(axis: Axes, counts: Confusion) -> None:
    matrix = np.array(
        [
            [counts.true_negative, counts.false_positive],
            [counts.false_negative, counts.true_positive],
        ]
    )
    shares = matrix / matrix.sum(axis=1, keepdims=True)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1.2)
    for (row, column), count in np.ndenumerate(matrix):
        share = shares[row, column]
        axis.text(
            column,
            row,
            f"{count}\n{share:.1%}",
            ha="center",
            va="center",
            fontsize=15,
            color="white" if share > 0.6 else "black",
        )
    names = ("normal", "pneumonia")
    axis.set_xticks((0, 1), names)
    axis.set_yticks((0, 1), names, rotation=90, va="center")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    axis.set(xlabel="decided", ylabel="labelled", title="c  Decisions at the threshold")


def _draw_reliability(axis: Axes, evaluation: Evaluation) -> None:
    bins = evaluation.reliability
    predicted = [b.predicted for b in bins]
    value, low, high = np.array([b.observed for b in bins], float).T
    axis.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
    axis.errorbar(
        predicted,
        value,
        yerr=[value - low, high - value],
        fmt="o-",
        color=BLUE,
        capsize=2,
        label="observed",
    )
    axis.plot(predicted, [b.balanced for b in bins], "s--", color=GREEN, label="balanced")
    for b in bins:
        axis.annotate(
            str(b.images),
            (b.predicted, 1.05),
            ha="center",
            fontsize=8.5,
            color=GREY,
            annotation_clip=False,
        )
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.1), yticks=np.linspace(0, 1, 6))
    axis.set(xlabel="predicted probability", ylabel="share of pneumonias")
    axis.set(title="d  Reliability (images above)")
    axis.legend(loc="lower right", borderaxespad=0)


def _draw_histogram(axis: Axes, evaluation: Evaluation) -> None:
    histogram = evaluation.histogram
    for name, counts, colour in (
        ("normal", histogram.normal, BLUE),
        ("pneumonia", histogram.pneumonia, ORANGE),
    ):
        edges = np.linspace(0, 1, len(counts) + 1)
        axis.stairs(counts, edges, fill=True, color=colour, alpha=0.35)
        axis.stairs(counts, edges, color=colour, linewidth=1.5, label=name)
    threshold = evaluation.threshold
    axis.axvline(threshold, color="black", linestyle="--", label=f"threshold {threshold:.3f}")
    axis.set_yscale("symlog", linthresh=10)
    axis.set_yticks((0, 5, 10, 50, 100, 200), ("0", "5", "10", "50", "100", "200"))
    axis.minorticks_off()
    axis.set(xlim=(0, 1), xlabel="predicted probability", ylabel="images")
    axis.set(title="e  Probabilities by label")
    axis.legend(loc="upper left", bbox_to_anchor=(0.36, 1))


def _draw_predictive_values(axis: Axes, evaluation: Evaluation) -> None:
    point = evaluation.stored_point
    grid = np.linspace(0.001, 0.999, 400)
    rates = to_array(point.sensitivity)[0], to_array(point.specificity)[0]
    lines = np.array([predictive_values(*rates, prevalence) for prevalence in grid]).T
    for name, line, points, colour in (
        ("PPV", lines[0], point.ppv, ORANGE),
        ("NPV", lines[1], point.npv, BLUE),
    ):
        axis.plot(grid, line, color=colour, label=name)
        for prevalence, estimate in points.items():
            value, low, high = to_array(estimate)
            axis.errorbar(
                float(prevalence),
                value,
                yerr=[[value - low], [high - value]],
                fmt="o",
                color=colour,
                capsize=2,
            )
    ticks = [float(prevalence) for prevalence in point.ppv]
    axis.set_xticks([*ticks, 1], [f"{tick:.3g}" for tick in (*(100 * t for t in ticks), 100)])
    axis.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="prevalence, %", ylabel="predictive value")
    axis.set(title="f  Predictive values")
    axis.legend(loc="lower right")
