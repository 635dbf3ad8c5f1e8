"""The gate between a candidate and the patients: what a model must prove before it is served."""

from pathlib import Path
from typing import Literal

import numpy as np

from model.reading.xray import read_xray
from model.serving.artifact import Artifact, ArtifactError, read_artifact
from model.serving.figures import Interval
from model.serving.golden import check_decisions, list_images
from model.serving.precision import list_supported
from model.serving.predictor import Predictor

Split = Literal["test", "validation"]
Figure = Literal["auc_roc", "sensitivity", "specificity", "brier"]

FIGURES: tuple[tuple[Split, Figure, bool], ...] = (
    ("test", "auc_roc", True),
    ("test", "sensitivity", True),
    ("test", "specificity", True),
    ("test", "brier", False),
    ("validation", "auc_roc", True),
)
"""Split, figure, and whether more is better. On the test split they measure how often decisions are
right, and by the Brier score how well probabilities are calibrated."""


def find_faults(folder: Path, serving: Path, served: Artifact | None) -> list[str]:
    """Sentences that say why the candidate in `folder` must not be served; empty if it may.

    `serving` is the parent folder of its export; `served` is the metadata of the model in service,
    or None. Opening the candidate verifies its files and repeats the recorded answers, in each
    precision of this processor: a worker of the same kind may choose any of them.
    """
    faults = []
    for precision in list_supported():
        try:
            predictor = Predictor(folder, serving, precision=precision)
            _check_files(predictor)
        except ArtifactError as error:
            faults.append(str(error))
    try:
        candidate = read_artifact(folder)
    except ArtifactError as error:
        faults.append(str(error))
    else:
        faults += compare_figures(candidate, served)
    return list(dict.fromkeys(faults))  # most faults are those of every precision


def _check_files(predictor: Predictor) -> None:
    """Judge the golden X-rays like uploads: from files, not from the recorded inputs."""
    read = [(read_xray(path.read_bytes()), label) for path, label in list_images()]
    outputs = [predictor.judge(xray) for xray, _ in read]
    check_decisions(predictor.artifact, np.array([label for _, label in read]), outputs)


def compare_figures(candidate: Artifact, served: Artifact | None) -> list[str]:
    """What is missing of the candidate, or worse than the 95 % interval of the model in service."""
    faults = []
    for split, name, more_is_better in FIGURES:
        figure = _read_figure(candidate, split, name)
        if figure is None:
            faults.append(f"The candidate records no {name} of {split} with its interval.")
            continue
        known = _read_figure(served, split, name) if served else None
        if known is None:
            continue
        value, (_, low, high) = figure[0], known
        if (value < low) if more_is_better else (value > high):
            faults.append(
                f"{name} of {split} is {value}, in service {known[0]} with the interval {low} to "
                f"{high}."
            )
    if candidate.ages is None or candidate.uncertain is None:
        faults.append(
            "The candidate does not state its ages and its uncertain band; add them with `python "
            "-m model.evaluation.uncertain`."
        )
    few, many = (one.scores["test"]["images"] or 0 if one else 0 for one in (candidate, served))
    if few < many:  # the figures of a handful of images may be 1.0 by chance
        faults.append(f"The candidate was tested on {few} X-rays, the model in service on {many}.")
    return faults


def _read_figure(artifact: Artifact, split: Split, name: Figure) -> Interval | None:
    """[value, low, high] of a share; None when they are not recorded as such."""
    figure = artifact.scores[split][name]
    if not figure or not all(0 <= one <= 1 for one in figure):
        return None
    value, low, high = figure
    return figure if low <= value <= high else None
