"""The gate between a candidate and the patients: what a model must show before it is served."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from model.reading.xray import read_xray
from model.serving.artifact import Artifact, ArtifactError
from model.serving.golden import check_decisions, list_images
from model.serving.predictor import Predictor

FIGURES = (
    ("test", "auc_roc", True),
    ("test", "sensitivity", True),
    ("test", "specificity", True),
    ("test", "brier", False),
    ("validation", "auc_roc", True),
)
"""Split, figure, and whether more is better. The test figures say how often a decision is right,
and the Brier score how honest the probabilities are; validation alone is easier than either."""


def find_faults(folder: Path, serving: Path, served: Artifact | None) -> list[str]:
    """Sentences that say why the candidate in `folder` must not be served; none when it may.

    `served` is the metadata of the model in service, None when there is none. Files are verified
    and the recorded answers repeated by opening it.
    """
    try:
        predictor = Predictor(folder, serving)
    except ArtifactError as error:
        return [str(error)]
    faults = compare_figures(predictor.artifact, served)
    try:
        # As an upload is judged: read from a file, not from the recorded inputs.
        read = [(read_xray(path.read_bytes()), label) for path, label in list_images()]
        logits = [predictor.judge(xray).logit for xray, _ in read]
        check_decisions(
            predictor.artifact, np.array([label for _, label in read]), np.array(logits)
        )
    except ArtifactError as error:
        faults.append(str(error))
    return faults


def compare_figures(candidate: Artifact, served: Artifact | None) -> list[str]:
    """What of FIGURES is missing, or worse than that in service beyond its 95 % interval."""
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
    few, many = _count(candidate), _count(served) if served else 0
    if few < many:  # a figure of a handful of images is 1.0 by chance
        faults.append(f"The candidate was tested on {few} X-rays, the model in service on {many}.")
    return faults


def _read_figure(artifact: Artifact, split: str, name: str) -> tuple[float, float, float] | None:
    """Value and interval, (value, low, high); None when they are not recorded as such."""
    scores: Mapping[str, Any] = artifact.scores
    part = scores.get(split)
    figure = part.get(name) if isinstance(part, dict) else None
    if not isinstance(figure, list) or len(figure) != 3:
        return None
    if not all(isinstance(one, float | int) and 0 <= one <= 1 for one in figure):
        return None
    value, low, high = figure
    return (value, low, high) if low <= value <= high else None


def _count(artifact: Artifact) -> int:
    part = artifact.scores.get("test")
    images = part.get("images") if isinstance(part, dict) else None
    return images if isinstance(images, int) else 0
