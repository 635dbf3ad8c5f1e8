"""Golden X-rays: the outputs of the trained network for a few known images, as a reference.

A training run records them in the artifact (`golden.npz`), and any process that opens the model
must reproduce them. This detects an export that is wrong or of another network, and a machine that
computes differently. The inputs are recorded as well, so a later change in how images are read does
not invalidate a model. The images are in `model/serving/golden_xrays/`.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from model.reading.labels import CLASSES
from model.serving.artifact import Artifact, ArtifactError
from model.serving.precision import TOLERANCES, Precision

GOLDEN_NAME = "golden.npz"
IMAGES = Path(__file__).parent / "golden_xrays"


class Output(NamedTuple):
    """The network's output: logit, (S, S) Grad-CAM in units of the logit, distance of `density`.

    `precision` is that of the computation.
    """

    logit: float
    heatmap: np.ndarray
    distance: float
    precision: Precision


@dataclass(frozen=True)
class Golden:
    """N images and the recorded outputs.

    `inputs` (N, side, side, 1) uint8 as `model.reading.xray.model_input` made them, `labels`
    (N,) 0 or 1, `logits` and `distances` (N,), `heatmaps` (N, S, S) with S = side / 16.
    """

    inputs: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    heatmaps: np.ndarray
    distances: np.ndarray


def list_images() -> list[tuple[Path, int]]:
    """The files of the golden X-rays, each with its label."""
    return [
        (path, label)
        for label, name in enumerate(CLASSES)
        for path in sorted(IMAGES.glob(f"{name}-*.png"))
    ]


def write_golden(folder: Path, golden: Golden) -> None:
    """Write `golden.npz` into an artifact's folder."""
    np.savez_compressed(folder / GOLDEN_NAME, **vars(golden))


def read_golden(folder: Path, artifact: Artifact) -> Golden:
    """Read what `write_golden` wrote, and check shapes. Raises ArtifactError."""
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
    """Raise ArtifactError, which names `what` gave them, unless `outputs` are those recorded.

    Each is compared within the tolerance of its own precision.
    """
    for index, output in enumerate(outputs):
        pairs: dict[str, tuple[ArrayLike, ArrayLike]] = {
            "logit": (golden.logits[index], output.logit),
            "heatmap": (golden.heatmaps[index], output.heatmap),
            "distance": (golden.distances[index], output.distance),
        }
        for name, (expected, given) in pairs.items():
            tolerance = TOLERANCES[output.precision][name]
            if not tolerance.allows(expected, given):
                furthest = float(np.abs(np.subtract(given, expected)).max())
                raise ArtifactError(
                    f"{what} answers the golden X-rays otherwise than the trained network did: "
                    f"the {name} of number {index + 1} differs by {furthest:.3g}; in "
                    f"{output.precision} at most {tolerance} is allowed."
                )


def check_decisions(artifact: Artifact, labels: np.ndarray, outputs: Sequence[Output]) -> None:
    """Raise ArtifactError unless the decisions on golden X-rays make sense.

    None may be refused, at least one of each class must be classified correctly, and pneumonias
    must have a higher mean logit. A model with a constant answer, or with swapped classes, fails.
    """
    logits = np.array([output.logit for output in outputs])
    calibration = artifact.calibration
    probabilities = 0.5 * (1 + np.tanh(0.5 * (calibration.scale * logits + calibration.offset)))
    called = probabilities >= artifact.threshold
    if refused := sum(output.distance > artifact.ood.limit for output in outputs):
        raise ArtifactError(
            f"The model {artifact.version} refuses {refused} of {len(outputs)} golden X-rays."
        )
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
