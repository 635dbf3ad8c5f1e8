"""Scores of each source of X-rays, and of each age, where a model is trained on several sources.

A figure over all sources hides the one on which the model fails, and where a class comes from one
source only it measures how well sources are recognised.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from model.evaluation.bootstrap import RESAMPLES, Estimate, Metric, estimate
from model.evaluation.scores import Predictions, balanced_calibration_error, rank_metrics
from model.reading.ages import AgeBand
from model.reading.dataset import LabelledXray

SOURCES_NAME = "sources.json"

AGE_GROUPS = (AgeBand(0, 5), AgeBand(6, 17), AgeBand(18, 64), AgeBand(65, 120))
"""Completed years. Children up to five are those of Kermany et al. 2018."""


@dataclass(frozen=True)
class SourceScores:
    """Scores of one group; None where the group lacks the class that a figure needs.

    `ece_balanced` is the calibration error with equal class weights.
    """

    normals: int
    pneumonias: int
    patients: int
    auc_roc: Estimate | None = None
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None
    ece_balanced: Estimate | None = None


def score_sources(
    predictions: Predictions,
    xrays: Sequence[LabelledXray],
    threshold: float,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, SourceScores]:
    """The scores of N `predictions`, by source and by age of their N X-rays."""
    sources = np.array([xray.source for xray in xrays])
    ages = np.array([name_age(xray.age) for xray in xrays])
    groups = {f"source {name}": sources == name for name in np.unique(sources)}
    groups |= {name: ages == name for name in np.unique(ages)}
    return {
        name: _score_group(predictions.select(np.flatnonzero(mask)), threshold, seed, resamples)
        for name, mask in groups.items()
    }


def name_age(age: AgeBand | None) -> str:
    """The group that holds a band of ages, such as `age 6-17`; `age unknown` where none does."""
    for group in AGE_GROUPS:
        if age and group.youngest <= age.youngest and age.oldest <= group.oldest:
            return f"age {group.youngest}-{group.oldest}"
    return "age unknown"


def _score_group(
    predictions: Predictions, threshold: float, seed: int, resamples: int
) -> SourceScores:
    pneumonias = int(predictions.labels.sum())
    normals = len(predictions.labels) - pneumonias
    both = bool(normals and pneumonias)
    needed = {"auc_roc": both, "sensitivity": pneumonias, "specificity": normals}
    metrics: dict[str, Metric] = {
        name: metric
        for name, metric in rank_metrics(predictions, threshold).items()
        if needed[name]
    }
    if both:
        labels, probabilities = predictions.labels, predictions.probabilities
        metrics["ece_balanced"] = lambda i: balanced_calibration_error(labels[i], probabilities[i])
    return SourceScores(
        normals,
        pneumonias,
        len(set(predictions.patients)),
        **estimate(metrics, normals + pneumonias, predictions.draw(seed, resamples)),
    )


def write_sources(out: Path, splits: dict[str, dict[str, SourceScores]]) -> None:
    """Write `sources.json`: the scores by split and group."""
    scores = {
        split: {name: asdict(group) for name, group in groups.items()}
        for split, groups in splits.items()
    }
    (out / SOURCES_NAME).write_text(json.dumps(scores, indent=2) + "\n")
