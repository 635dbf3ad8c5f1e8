"""The pictures of a report, drawn from its figures alone, so that both always say the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from model.evaluation.scores import predictive_values

# Okabe and Ito (2008): told apart with any colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.08,
    "savefig.dpi": 150,
}


def plot_evaluation(figures: Mapping[str, Any], file: Path) -> None:
    """Six panels of what `evaluate` found: ranking, decisions and calibration, with 95 % bands."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, figsize=(12, 8))
        _draw_roc(axes[0, 0], figures)
        _draw_precision_recall(axes[0, 1], figures)
        _draw_confusion(axes[0, 2], figures["scores"]["confusion"])
        _draw_reliability(axes[1, 0], figures)
        _draw_histogram(axes[1, 1], figures)
        _draw_predictive_values(axes[1, 2], figures)
        figure.savefig(file)
        plt.close(figure)


def _draw_curve(axis: Axes, curve: Mapping[str, list[float]], label: str) -> None:
    axis.fill_between(
        curve["x"], curve["low"], curve["high"], step="post", color=BLUE, alpha=0.2, linewidth=0
    )
    axis.step(curve["x"], curve["y"], where="post", color=BLUE, label=label)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")


def _draw_roc(axis: Axes, figures: Mapping[str, Any]) -> None:
    point, scores = _stored_point(figures), figures["scores"]
    axis.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
    _draw_curve(axis, figures["curves"]["roc"], f"AUC {_text(scores['auc_roc'])}")
    _draw_point(axis, [1 - v for v in _ordered(point["specificity"])], point["sensitivity"])
    axis.set(xlabel="1 - specificity", ylabel="sensitivity", title="a  ROC")
    axis.legend(loc="lower right")


def _draw_precision_recall(axis: Axes, figures: Mapping[str, Any]) -> None:
    scores = figures["scores"]
    counts = scores["confusion"]
    share = (counts["true_positive"] + counts["false_negative"]) / scores["images"]
    axis.axhline(share, linestyle=":", color=GREY, linewidth=1)
    axis.annotate(
        f"by chance {share:.3f}", (0, share), (0, -4), textcoords="offset points", va="top"
    )
    _draw_curve(axis, figures["curves"]["pr"], f"area {_text(scores['auc_pr'])}")
    called = counts["true_positive"] + counts["false_positive"]
    if called:
        precision = counts["true_positive"] / called
        axis.plot(scores["sensitivity"][0], precision, "o", color=ORANGE, label="stored threshold")
    axis.set(xlabel="recall (sensitivity)", ylabel="precision (PPV)", title="b  Precision-recall")
    axis.legend(loc="lower left")


def _draw_point(axis: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    """A value with its intervals in both directions; `x` may run downwards."""
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


def _draw_confusion(axis: Axes, counts: Mapping[str, int]) -> None:
    matrix = np.array(
        [
            [counts["true_negative"], counts["false_positive"]],
            [counts["false_negative"], counts["true_positive"]],
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


def _draw_reliability(axis: Axes, figures: Mapping[str, Any]) -> None:
    bins = figures["reliability"]
    predicted = [b["predicted"] for b in bins]
    value, low, high = np.array([b["observed"] for b in bins], float).T
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
    axis.plot(predicted, [b["balanced"] for b in bins], "s--", color=GREEN, label="balanced")
    for b in bins:
        axis.annotate(
            str(b["images"]),
            (b["predicted"], 1.05),
            ha="center",
            fontsize=8.5,
            color=GREY,
            annotation_clip=False,
        )
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.1), yticks=np.linspace(0, 1, 6))
    axis.set(xlabel="predicted probability", ylabel="share of pneumonias")
    axis.set(title="d  Reliability (images above)")
    axis.legend(loc="lower right", borderaxespad=0)


def _draw_histogram(axis: Axes, figures: Mapping[str, Any]) -> None:
    for name, colour in (("normal", BLUE), ("pneumonia", ORANGE)):
        counts = figures["histogram"][name]
        edges = np.linspace(0, 1, len(counts) + 1)
        axis.stairs(counts, edges, fill=True, color=colour, alpha=0.35)
        axis.stairs(counts, edges, color=colour, linewidth=1.5, label=name)
    threshold = figures["threshold"]
    axis.axvline(threshold, color="black", linestyle="--", label=f"threshold {threshold:.3f}")
    axis.set_yscale("symlog", linthresh=10)
    axis.set_yticks((0, 5, 10, 50, 100, 200), ("0", "5", "10", "50", "100", "200"))
    axis.minorticks_off()
    axis.set(xlim=(0, 1), xlabel="predicted probability", ylabel="images")
    axis.set(title="e  Probabilities by label")
    axis.legend(loc="upper left", bbox_to_anchor=(0.36, 1))


def _draw_predictive_values(axis: Axes, figures: Mapping[str, Any]) -> None:
    point = _stored_point(figures)
    grid = np.linspace(0.001, 0.999, 400)
    rates = point["sensitivity"][0], point["specificity"][0]
    lines = np.array([predictive_values(*rates, prevalence) for prevalence in grid]).T
    for name, line, colour in (("PPV", lines[0], ORANGE), ("NPV", lines[1], BLUE)):
        axis.plot(grid, line, color=colour, label=name)
        for prevalence, estimate in point[name.lower()].items():
            value, low, high = np.array(estimate, float)
            axis.errorbar(
                float(prevalence),
                value,
                yerr=[[value - low], [high - value]],
                fmt="o",
                color=colour,
                capsize=2,
            )
    ticks = [float(prevalence) for prevalence in point["ppv"]]
    axis.set_xticks([*ticks, 1], [f"{tick:.3g}" for tick in (*(100 * t for t in ticks), 100)])
    axis.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="prevalence, %", ylabel="predictive value")
    axis.set(title="f  Predictive values")
    axis.legend(loc="lower right")


def plot_auc(rows: Sequence[tuple[str, Sequence[float | None]]], file: Path) -> None:
    """One line for each named AUC `[value, low, high]`, from top to bottom."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(9, 1 + 0.34 * len(rows)))
        for row, (_, estimate) in enumerate(rows):
            value, low, high = np.array(estimate, float)
            colour = BLUE if row == 0 else GREY
            axis.plot((low, high), (row, row), color=colour, linewidth=2)
            axis.plot(value, row, "o", color=colour, clip_on=False)
            axis.text(1.02, row, _text(estimate), va="center", fontsize=10)
        axis.axvline(np.array(rows[0][1], float)[0], color=BLUE, linewidth=0.8, linestyle=":")
        axis.set_yticks(range(len(rows)), [name for name, _ in rows])
        axis.invert_yaxis()
        axis.set(xlim=(min(0.5, axis.get_xlim()[0]), 1.0), xlabel="AUC (ROC), 95 % interval")
        axis.grid(axis="x", linewidth=0.5, alpha=0.5)
        figure.savefig(file)
        plt.close(figure)


def plot_gallery(errors: Sequence[Mapping[str, Any]], file: Path) -> None:
    """The worst errors, each beside its heat map. Holds patient images: not for the repository.

    An error has `pixels` (H, W) uint8, `heatmap` rows of 0 to 1, and `title`.
    """
    columns = 4
    rows = max(1, -(-len(errors) // columns))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(16, 2.5 * rows + 0.3), squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, error in zip(axes.flat, errors, strict=False):
            pixels = error["pixels"]
            height, width = pixels.shape
            axis.imshow(np.hstack([pixels, pixels]), cmap="gray", vmin=0, vmax=255)
            axis.imshow(
                error["heatmap"],
                cmap="inferno",
                alpha=0.45,
                vmin=0,
                vmax=1,
                interpolation="bilinear",
                extent=(width, 2 * width, height, 0),
            )
            axis.set(xlim=(0, 2 * width), ylim=(height, 0))
            axis.set_title(error["title"], fontsize=10, fontweight="normal")
        figure.savefig(file)
        plt.close(figure)


def plot_training(history: Mapping[str, Sequence[float]], file: Path) -> None:
    """Loss and AUC by epoch, training and validation."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
        for axis, metric, name in zip(axes, ("loss", "auc_roc"), ("Loss", "AUC"), strict=True):
            epochs = range(1, len(history[metric]) + 1)
            axis.plot(epochs, history[metric], "o-", color=GREY, label="training")
            axis.plot(epochs, history[f"val_{metric}"], "o-", color=BLUE, label="validation")
            axis.set(xlabel="epoch", title=name, xticks=list(epochs))
            axis.legend()
        figure.savefig(file)
        plt.close(figure)


def _stored_point(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    points = figures["operating_points"]
    return next(p for p in points if p["threshold"] == figures["threshold"])


def _ordered(estimate: Sequence[float | None]) -> list[float]:
    return [float("nan") if v is None else v for v in estimate]


def _text(estimate: Sequence[float | None]) -> str:
    value, low, high = _ordered(estimate)
    return f"{value:.3f} ({low:.3f} to {high:.3f})"
