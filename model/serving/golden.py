"""Golden X-rays: what the trained network answered to a few known images, to compare with.

A training run records its answers in the artifact (`golden.npz`); whatever opens the model must
give the same ones. That finds an export that was derived wrongly, belongs to another network, or
runs on a machine that computes otherwise. The inputs are recorded too, so that a later change in
reading images does not condemn a model. The images are in `model/serving/golden_xrays/`.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.reading.labels import CLASSES
from model.serving.artifact import Artifact, ArtifactError

GOLDEN_NAME = "golden.npz"
IMAGES = Path(__file__).parent / "golden_xrays"

TOLERANCE = 0.01
"""In units of the logit, which moves no probability by more than 0.0025. Keras and OpenVINO differ
by less than 0.001."""

RELATIVE_TOLERANCE = 0.001
"""Of the recorded value: distances and untrained logits may be far above 1."""


class Output(NamedTuple):
    """What the network gives: logit, (S, S) Grad-CAM in its units, distance of `density`."""

    logit: float
    heatmap: np.ndarray
    distance: float


@dataclass(frozen=True)
class Golden:
    """N images and the answers of the training side.

    `inputs` (N, side, side, 1) uint8 as `model.reading.xray.model_input` made them, `labels`
    (N,) 0 or 1, `logits` and `distances` (N,), `heatmaps` (N, S, S) with S = side / 16.
    """

    inputs: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    heatmaps: np.ndarray
    distances: np.ndarray


def list_images() -> list[tuple[Path, int]]:
    """The golden X-rays of this program, each with its label."""
    return [
        (path, label)
        for label, name in enumerate(CLASSES)
        for path in sorted(IMAGES.glob(f"{name}-*.png"))
    ]


def write_golden(folder: Path, golden: Golden) -> None:
    """Write `golden.npz` into an artifact's folder."""
    np.savez_compressed(folder / GOLDEN_NAME, **vars(golden))


def read_golden(folder: Path, artifact: Artifact) -> Golden:
    """Read it back, checked for shapes. Raises ArtifactError."""
    file = folder / GOLDEN_NAME
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            golden = Golden(**{name: arrays[name] for name in arrays.files})
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{file} is missing; record it with `python -m model.network --artifact {folder} "
            "--record-golden`."
        ) from error
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{file} is damaged: {error}.") from error
    count, side, cells = len(golden.labels), artifact.input_side, artifact.input_side // 16
    shapes = {
        "inputs": (count, side, side, 1),
        "labels": (count,),
        "logits": (count,),
        "heatmaps": (count, cells, cells),
        "distances": (count,),
    }
    fits = all(
        getattr(golden, name).shape == shape and np.isfinite(getattr(golden, name)).all()
        for name, shape in shapes.items()
    )
    if not fits or set(golden.labels.tolist()) != {0, 1}:
        raise ArtifactError(f"{file} holds no answers to golden X-rays of both classes.")
    return golden


def check_answers(golden: Golden, outputs: Sequence[Output], what: str) -> None:
    """Raise ArtifactError unless `outputs`, of `what`, are those that were recorded."""
    pairs = (
        ("logit", golden.logits, [output.logit for output in outputs]),
        ("heat map", golden.heatmaps, [output.heatmap for output in outputs]),
        ("distance", golden.distances, [output.distance for output in outputs]),
    )
    for name, recorded, given in pairs:
        # Not the other way round: NaN is neither within nor beyond.
        allowed = TOLERANCE + RELATIVE_TOLERANCE * np.abs(recorded)
        if not np.all(np.abs(np.array(given) - recorded) <= allowed):
            furthest = float(np.abs(np.array(given) - recorded).max())
            raise ArtifactError(
                f"{what} answers the golden X-rays otherwise than the trained network did: the "
                f"{name} differs by up to {furthest:.3g}, more than {TOLERANCE} is allowed."
            )


def check_decisions(artifact: Artifact, labels: np.ndarray, logits: np.ndarray) -> None:
    """Raise ArtifactError unless the decisions make sense.

    Of each class at least one X-ray must be decided right, and pneumonias must score higher on
    average: a model that gives one answer to all, or has the classes the wrong way round, does not.
    """
    calibration = artifact.calibration
    probabilities = 0.5 * (1 + np.tanh(0.5 * (calibration.scale * logits + calibration.offset)))
    called = probabilities >= artifact.threshold
    for label, name in enumerate(artifact.classes):
        if not (called[labels == label] == label).any():
            raise ArtifactError(
                f"The model {artifact.version} calls none of the {name} golden X-rays {name}."
            )
    if not logits[labels == 1].mean() > logits[labels == 0].mean():
        raise ArtifactError(
            f"The model {artifact.version} gives golden X-rays with pneumonia no higher a "
            "probability than normal ones."
        )
