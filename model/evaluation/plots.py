"""The plots of a report, drawn from its figures alone, so that plots and figures always agree."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from model.evaluation.bootstrap import Estimate

# Okabe and Ito (2008): distinguishable with any colour vision.
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


def save_plot(figure: Figure, file: Path, figures: Any) -> None:
    """Save and close a plot of `figures`, which are JSON: the same figures give the same bytes.

    The PNG says what it was drawn from (`trace`), and neither when nor by which program.
    """
    figure.savefig(file, metadata={"Software": None, "Description": trace(figures)})
    plt.close(figure)


def trace(figures: Any) -> str:
    """The text that ties a plot to the figures that it was drawn from: their digest."""
    canonical = json.dumps(figures, sort_keys=True, allow_nan=False)
    return f"Drawn from figures of SHA-256 {hashlib.sha256(canonical.encode()).hexdigest()}"


def plot_auc(rows: Sequence[tuple[str, Estimate]], file: Path) -> None:
    """One line for each named AUC, from top to bottom."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(9, 1 + 0.34 * len(rows)))
        for row, (_, estimate) in enumerate(rows):
            value, low, high = to_array(estimate)
            colour = BLUE if row == 0 else GREY
            axis.plot((low, high), (row, row), color=colour, linewidth=2)
            axis.plot(value, row, "o", color=colour, clip_on=False)
            axis.text(1.02, row, describe_estimate(estimate), va="center", fontsize=10)
        axis.axvline(to_array(rows[0][1])[0], color=BLUE, linewidth=0.8, linestyle=":")
        axis.set_yticks(range(len(rows)), [name for name, _ in rows])
        axis.invert_yaxis()
        axis.set(xlim=(min(0.5, axis.get_xlim()[0]), 1.0), xlabel="AUC (ROC), 95 % interval")
        axis.grid(axis="x", linewidth=0.5, alpha=0.5)
        save_plot(figure, file, rows)


@dataclass(frozen=True)
class GalleryImage:
    """Grey levels (H, W) uint8, the rows of its heat map from 0 to 1, and a title."""

    pixels: np.ndarray
    heatmap: Sequence[Sequence[float]]
    title: str


def plot_gallery(images: Sequence[GalleryImage], file: Path) -> None:
    """X-rays, each next to its heat map. These are images of patients: never commit them."""
    columns = 4
    rows = max(1, -(-len(images) // columns))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(16, 2.5 * rows + 0.3), squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, image in zip(axes.flat, images, strict=False):
            pixels = image.pixels
            height, width = pixels.shape
            axis.imshow(np.hstack([pixels, pixels]), cmap="gray", vmin=0, vmax=255)
            axis.imshow(
                image.heatmap,
                cmap="inferno",
                alpha=0.45,
                vmin=0,
                vmax=1,
                interpolation="bilinear",
                extent=(width, 2 * width, height, 0),
            )
            axis.set(xlim=(0, 2 * width), ylim=(height, 0))
            axis.set_title(image.title, fontsize=10, fontweight="normal")
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
        save_plot(figure, file, history)


def to_array(estimate: Estimate) -> np.ndarray:
    """(3,): value, low and high, with NaN where they are undefined."""
    return np.array(estimate, float)


def describe_estimate(estimate: Estimate) -> str:
    """Such as `0.976 (0.965 to 0.986)`."""
    value, low, high = to_array(estimate)
    return f"{value:.3f} ({low:.3f} to {high:.3f})"
