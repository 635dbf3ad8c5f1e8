"""A trained model on disk: the weights (`pneumonia.keras`) and what is known of them.

The files are written and read together: weights, `ood.npz` (where the features of chest X-rays lie)
and the metadata. The artifact's version is a digest of all, so a changed threshold is another
version, as much as a changed weight. Imports no Keras.
"""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from model.reading.labels import CLASSES
from model.serving.durable import write_file

WEIGHTS_NAME = "pneumonia.keras"
METADATA_NAME = "pneumonia.json"
OOD_NAME = "ood.npz"

SIDES = range(64, 1025, 32)
"""Of the network's input, in pixels: ResNet50 halves it five times; far beyond 224 serves nobody
within a second."""


class ArtifactError(RuntimeError):
    """The artifact is missing or its files do not belong together; one sentence."""


@dataclass(frozen=True)
class Calibration:
    """Platt's (1999): probability = sigmoid(scale * logit + offset), stated at `prevalence`."""

    scale: float
    offset: float
    prevalence: float


@dataclass(frozen=True)
class OodLimits:
    """Distances of `density`: above `limit` an image is refused, above `warning` doubted."""

    limit: float
    warning: float


@dataclass(frozen=True)
class Artifact:
    """What belongs to the weights, and nowhere else.

    `threshold` is on the calibrated probability. `heatmap_reference` is the median peak of the
    Grad-CAM maps of validation pneumonias, in units of the logit; weaker maps are shown weaker.
    `scores` holds test and validation figures with their 95 % intervals; `training` the arguments,
    seed, commit and data digest. `weights_sha256` and `ood_sha256` tie the metadata to the files.
    """

    classes: tuple[str, ...]
    input_side: int
    threshold: float
    calibration: Calibration
    heatmap_reference: float
    ood: OodLimits
    scores: dict[str, Any]
    training: dict[str, Any]
    weights_sha256: str
    ood_sha256: str

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that identify weights and metadata together."""
        canonical = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def read_artifact(folder: Path) -> Artifact:
    """Read and check `folder`. Raises ArtifactError, in one sentence, when it cannot be used."""
    try:
        artifact = parse_metadata((folder / METADATA_NAME).read_bytes(), folder / METADATA_NAME)
        belong = (
            sha256_of(folder / WEIGHTS_NAME) == artifact.weights_sha256
            and sha256_of(folder / OOD_NAME) == artifact.ood_sha256
        )
    except FileNotFoundError as error:
        raise ArtifactError(
            f"The model artifact is missing {error.filename}; train one with `make train` "
            "or restore model/artifact/ from the repository."
        ) from error
    except OSError as error:
        raise ArtifactError(
            f"The model artifact cannot be read: {error.strerror} ({error.filename})."
        ) from error
    if not belong:
        raise ArtifactError(
            f"{WEIGHTS_NAME}, {OOD_NAME} and {METADATA_NAME} in {folder} do not belong together: a "
            "digest differs from the one on record."
        )
    return artifact


def parse_metadata(data: bytes, where: object) -> Artifact:
    """Metadata as `write_metadata` made it, checked for names, types and ranges.

    Raises ArtifactError, which names the field, and the place `where` the bytes came from.
    """
    try:
        values = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{where} is not valid JSON: {error}.") from error
    _check_names(values, Artifact, where)
    _check_names(values["calibration"], Calibration, f"calibration in {where}")
    _check_names(values["ood"], OodLimits, f"ood in {where}")
    calibration, ood = Calibration(**values["calibration"]), OodLimits(**values["ood"])
    scores, training = values["scores"], values["training"]
    side = values["input_side"]
    holds = {
        "classes": values["classes"] == list(CLASSES),
        "input_side": type(side) is int and side in SIDES,
        "threshold": _is_number(values["threshold"]) and 0 < values["threshold"] < 1,
        "calibration.scale": _is_number(calibration.scale) and calibration.scale != 0,
        "calibration.offset": _is_number(calibration.offset),
        "calibration.prevalence": _is_number(calibration.prevalence)
        and 0 < calibration.prevalence < 1,
        "heatmap_reference": _is_number(values["heatmap_reference"])
        and values["heatmap_reference"] >= 0,
        "ood.limit": _is_number(ood.limit) and ood.limit > 0,
        "ood.warning": _is_number(ood.warning)
        and ood.warning > 0
        and not (_is_number(ood.limit) and ood.warning > ood.limit),
        "scores": isinstance(scores, dict) and _is_finite(scores),
        "training": isinstance(training, dict) and _is_finite(training),
        "weights_sha256": is_sha256(values["weights_sha256"]),
        "ood_sha256": is_sha256(values["ood_sha256"]),
    }
    if wrong := [name for name, right in holds.items() if not right]:
        raise ArtifactError(
            f"{', '.join(wrong)} in {where} cannot be used: of another type, out of range or not "
            "finite."
        )
    _check_date(training.get("trained_at"), where)
    typed = {"classes": CLASSES, "calibration": calibration, "ood": ood}
    return Artifact(**{**values, **typed})


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _check_names(values: object, kind: type, where: object) -> None:
    """Raise unless `values` is an object with exactly the fields of the dataclass `kind`."""
    names = {field.name for field in fields(kind)}
    if not isinstance(values, dict) or set(values) != names:
        raise ArtifactError(f"{where} must have exactly: {', '.join(sorted(names))}.")


def _is_number(value: object) -> bool:
    """Finite; True and False, which Python counts as numbers, are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_finite(value: Any) -> bool:
    """Whether every number in it is: JSON's 1e999 is read as infinity."""
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def is_sha256(value: object) -> bool:
    """Whether it has the form of a SHA-256 in hexadecimal."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _check_date(trained_at: object, where: object) -> None:
    """An artifact may leave out when it was trained; what it says must be a time with its zone."""
    try:
        valid = trained_at is None or (
            isinstance(trained_at, str) and datetime.fromisoformat(trained_at).tzinfo is not None
        )
    except ValueError:
        valid = False
    if not valid:
        raise ArtifactError(
            f"trained_at in {where} is no time in ISO 8601 with its zone, such as "
            "2026-05-04T10:00:00+00:00."
        )


def write_metadata(folder: Path, artifact: Artifact) -> None:
    """Write `pneumonia.json` next to the weights that are already in `folder`.

    Raises ValueError for a number that is not finite.
    """
    text = json.dumps(asdict(artifact), indent=2, sort_keys=True, allow_nan=False) + "\n"
    write_file(folder / METADATA_NAME, text.encode())


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
