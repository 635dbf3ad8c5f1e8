"""The figures of a report, drawn from its raw results."""

from pathlib import Path

from model.evaluation.panels import plot_evaluation
from model.evaluation.plots import plot_auc, plot_training
from model.evaluation.report_file import Report, list_auc
from model.serving.artifact import Artifact


def draw_figures(artifact: Artifact, report: Report, folder: Path) -> None:
    """Draw evaluation.png, auc.png and training.png from the figures alone."""
    plot_evaluation(report.test, folder / "evaluation.png")
    plot_auc(list_auc(report), folder / "auc.png")
    plot_training(artifact.training["history"], folder / "training.png")
