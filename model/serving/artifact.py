"""A trained model on disk: its weights (`pneumonia.keras`) and everything recorded about them.

The files are written and read together: weights, `ood.npz` (the density of the features of chest
X-rays) and metadata. The artifact's version is a digest of all three, so a changed threshold makes
another version, just as a changed weight does. Does not import Keras.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from model.reading.ages import AgeBand
from model.reading.labels import CLASSES
from model.serving.durable import write_file
from model.serving.figures import Scores, WrongFigures, is_finite, is_number, parse_scores
from model.serving.finding import UncertainBand

WEIGHTS_NAME = "pneumonia.keras"
METADATA_NAME = "pneumonia.json"
OOD_NAME = "ood.npz"

Part = TypeVar("Part")

SIDES = range(64, 1025, 32)
"""Sides allowed for the network's input, in pixels: ResNet50 halves it five times, and with a side
far above 224 it would not answer within a second."""


class ArtifactError(RuntimeError):
    """The artifact is missing or unusable; the message is one sentence."""


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (1999): probability = sigmoid(scale * logit + offset), at `prevalence`."""

    scale: float
    offset: float
    prevalence: float


@dataclass(frozen=True)
class OodLimits:
    """Distances of `density`: an image above `limit` is refused, above `warning` gets a warning."""

    limit: float
    warning: float


@dataclass(frozen=True)
class Artifact:
    """The metadata: everything that belongs to the weights, and is stored nowhere else.

    `threshold` applies to the calibrated probability. `heatmap_reference` is the median peak of the
    Grad-CAM maps of validation pneumonias, in units of the logit; weaker maps are shown weaker.
    `training` is the record of the training run, such as arguments, commit and data digest; serving
    uses only its `trained_at`. `weights_sha256` and `ood_sha256` tie the metadata to the files.
    `ages` are those that the model was validated for, and `uncertain` the probabilities at which it
    often errs. An artifact of an earlier release has neither: then the age of no patient is known
    to be within scope, no probability is uncertain, and the version is what it was.
    """

    classes: tuple[str, ...]
    input_side: int
    threshold: float
    calibration: Calibration
    heatmap_reference: float
    ood: OodLimits
    scores: Scores
    training: dict[str, Any]
    weights_sha256: str
    ood_sha256: str
    ages: AgeBand | None = None
    uncertain: UncertainBand | None = None

    @cached_property  # asked for with every X-ray
    def version(self) -> str:
        """Twelve hexadecimal digits that identify weights, density and metadata together."""
        canonical = json.dumps(self.encode(), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def encode(self) -> dict[str, Any]:
        """The metadata as it is written; without what an artifact of an earlier release lacks."""
        return {
            name: value
            for name, value in asdict(self).items()
            if not (name in _LATER and value is None)
        }


_LATER = frozenset({"ages", "uncertain"})
"""Fields that artifacts of an earlier release lack."""


def read_artifact(folder: Path) -> Artifact:
    """Read and check the artifact in `folder`. Raises ArtifactError when it cannot be used."""
    try:
        artifact = parse_metadata((folder / METADATA_NAME).read_bytes(), folder / METADATA_NAME)
        matches = (
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
    if not matches:
        raise ArtifactError(
            f"{WEIGHTS_NAME}, {OOD_NAME} and {METADATA_NAME} in {folder} do not belong together: a "
            "digest differs from the one on record."
        )
    return artifact


def parse_metadata(data: bytes, where: object) -> Artifact:
    """Parse what `write_metadata` wrote, and check names, types and ranges.

    Raises ArtifactError, which names the field and `where` the bytes came from.
    """
    try:
        values = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{where} is not valid JSON: {error}.") from error
    _check_names(values, Artifact, where, _LATER)
    _check_names(values["calibration"], Calibration, f"calibration in {where}")
    _check_names(values["ood"], OodLimits, f"ood in {where}")
    ages = _read_part(values, "ages", AgeBand, where)
    uncertain = _read_part(values, "uncertain", UncertainBand, where)
    calibration, ood = Calibration(**values["calibration"]), OodLimits(**values["ood"])
    side, training, threshold = values["input_side"], values["training"], values["threshold"]
    has_threshold = is_number(threshold) and 0 < threshold < 1
    valid = {
        "classes": values["classes"] == list(CLASSES),
        "input_side": type(side) is int and side in SIDES,
        "threshold": has_threshold,
        "calibration.scale": is_number(calibration.scale) and calibration.scale != 0,
        "calibration.offset": is_number(calibration.offset),
        "calibration.prevalence": is_number(calibration.prevalence)
        and 0 < calibration.prevalence < 1,
        "heatmap_reference": is_number(values["heatmap_reference"])
        and values["heatmap_reference"] >= 0,
        "ood.limit": is_number(ood.limit) and ood.limit > 0,
        "ood.warning": is_number(ood.warning)
        and ood.warning > 0
        and not (is_number(ood.limit) and ood.warning > ood.limit),
        "ages": ages is None
        or (type(ages.youngest) is int and type(ages.oldest) is int and ages.is_possible),
        "uncertain": uncertain is None
        or (
            all(map(is_number, (uncertain.low, uncertain.high)))
            and 0 < uncertain.low <= uncertain.high < 1
            and not (has_threshold and not uncertain.low <= threshold <= uncertain.high)
        ),
        "training": isinstance(training, dict) and is_finite(training),
        "weights_sha256": is_sha256(values["weights_sha256"]),
        "ood_sha256": is_sha256(values["ood_sha256"]),
    }
    wrong = [name for name, right in valid.items() if not right]
    try:
        scores = parse_scores(values["scores"])
    except WrongFigures as error:
        wrong.append(str(error))
    if wrong:
        raise ArtifactError(
            f"{', '.join(wrong)} in {where} cannot be used: missing, of another type, out of range "
            "or not finite."
        )
    _check_date(training.get("trained_at"), where)
    typed = {
        "classes": CLASSES,
        "calibration": calibration,
        "ood": ood,
        "scores": scores,
        "ages": ages,
        "uncertain": uncertain,
    }
    return Artifact(**{**values, **typed})


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _read_part(values: dict[str, Any], name: str, kind: type[Part], where: object) -> Part | None:
    """A part of the metadata that may be missing, with exactly its fields; not yet checked."""
    if name not in values:
        return None
    _check_names(values[name], kind, f"{name} in {where}")
    return kind(**values[name])


def _check_names(
    values: object, kind: type, where: object, optional: frozenset[str] = frozenset()
) -> None:
    """Raise ArtifactError unless `values` has the fields of the dataclass `kind` and no others."""
    names = {field.name for field in fields(kind)}
    if not isinstance(values, dict) or set(values) | optional != names:
        raise ArtifactError(f"{where} must have exactly: {', '.join(sorted(names))}.")


def is_sha256(value: object) -> bool:
    """Whether a value has the form of a SHA-256 in hexadecimal."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _check_date(trained_at: object, where: object) -> None:
    """Raise ArtifactError unless the time of training is missing or has a time zone."""
    try:
        valid = trained_at is None or (
            isinstance(trained_at, str) and datetime.fromisoformat(trained_at).tzinfo is not None
        )
    except ValueError:
        valid = False
    if not valid:
        raise ArtifactError(
            f"trained_at in {where} is not a time in ISO 8601 with its zone, such as "
            "2026-05-04T10:00:00+00:00."
        )


def write_metadata(folder: Path, artifact: Artifact) -> None:
    """Write `pneumonia.json` next to the weights that are already in `folder`.

    Raises ArtifactError if it could not be read again, ValueError if a number is not finite, and
    OSError.
    """
    text = json.dumps(artifact.encode(), indent=2, sort_keys=True, allow_nan=False) + "\n"
    parse_metadata(text.encode(), folder / METADATA_NAME)
    write_file(folder / METADATA_NAME, text.encode())


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
