"""The checks of the heat map as a figure, drawn from its raw results alone."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from model.evaluation.faithfulness import CENTRE, METHODS, OURS, PLUSPLUS, RANDOM, CurveScores
from model.evaluation.heatmaps_file import HeatmapReport
from model.evaluation.plots import BLUE, GREEN, GREY, ORANGE, STYLE, save_plot, to_array

COLOURS = {OURS: BLUE, PLUSPLUS: ORANGE, CENTRE: GREEN, RANDOM: GREY}


def plot_heatmaps(report: HeatmapReport, file: Path) -> None:
    """Deletion and insertion by source of pneumonias, and the correlation with random weights."""
    with plt.rc_context(STYLE):
        rows = len(report.groups) + 1
        figure, axes = plt.subplots(rows, 2, figsize=(9, 3.2 * rows), squeeze=False)
        for row, (name, group) in zip(axes, report.groups.items(), strict=False):
            _draw_curves(row[0], group.deletion, f"{name}: deletion", "share of cells deleted")
            _draw_curves(row[1], group.insertion, f"{name}: insertion", "share of cells inserted")
        axes[0, 0].legend(loc="lower left")
        _draw_randomised(axes[-1, 0], report)
        axes[-1, 1].set_axis_off()
        save_plot(figure, file, asdict(report))


def _draw_curves(axis: Axes, scores: CurveScores, title: str, label: str) -> None:
    for method in METHODS:
        mean = scores.mean[method]
        axis.plot(np.linspace(0, 1, len(mean)), mean, color=COLOURS[method], label=method)
    axis.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=label, ylabel="mean probability", title=title)


def _draw_randomised(axis: Axes, report: HeatmapReport) -> None:
    names = list(report.randomised)
    value, low, high = np.array([to_array(report.randomised[name]) for name in names]).T
    places = np.arange(len(names))
    axis.errorbar(places, value, yerr=[value - low, high - value], fmt="o", color=BLUE, capsize=2)
    axis.axhline(to_array(report.other_film)[0], color=GREY, linestyle=":", label="another film")
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set_xticks(places, names)
    axis.set(ylim=(-0.3, 1), xlabel="random from here on", ylabel="rank correlation")
    axis.set(title="random weights")
    axis.legend(loc="upper right")
