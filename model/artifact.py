"""A trained model on disk: the weights (`pneumonia.keras`) and what is known of them.

The files are written and read together: weights, `ood.npz` (where the features of chest X-rays lie)
and the metadata. The artifact's version is a digest of all, so a changed threshold is another
version, as much as a changed weight. Imports no Keras.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

WEIGHTS_NAME = "pneumonia.keras"
METADATA_NAME = "pneumonia.json"
OOD_NAME = "ood.npz"


class ArtifactError(RuntimeError):
    """The artifact is missing or its files do not belong together; one sentence."""


@dataclass(frozen=True)
class Artifact:
    """What belongs to the weights, and nowhere else.

    `threshold` is on the calibrated probability. Calibration is Platt's (1999): probability =
    sigmoid(scale * logit + offset), stated at the prevalence `calibration["prevalence"]`.
    `heatmap_reference` is the median peak of the Grad-CAM maps of validation pneumonias, in units
    of the logit; weaker maps are shown weaker. `scores` holds test and validation figures with
    their 95 % intervals; `training` the arguments, seed, commit and data digest. `ood` has two
    distances of `model.ood`: above `limit` an image is refused, above `warning` it is doubted.
    `weights_sha256` and `ood_sha256` tie the metadata to the files.
    """

    classes: tuple[str, ...]
    input_side: int
    threshold: float
    calibration: dict[str, float]
    heatmap_reference: float
    ood: dict[str, float]
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
        values = json.loads((folder / METADATA_NAME).read_text())
        digests = {
            name: sha256_of(folder / file)
            for name, file in (("weights_sha256", WEIGHTS_NAME), ("ood_sha256", OOD_NAME))
        }
    except FileNotFoundError as error:
        raise ArtifactError(
            f"The model artifact is missing {error.filename}; train one with `make train` "
            "or restore model/artifact/ from the repository."
        ) from error
    except json.JSONDecodeError as error:
        raise ArtifactError(f"{folder / METADATA_NAME} is not valid JSON: {error}.") from error
    names = {field.name for field in fields(Artifact)}
    if not isinstance(values, dict) or set(values) != names:
        raise ArtifactError(
            f"{folder / METADATA_NAME} must have exactly: {', '.join(sorted(names))}."
        )
    if any(digest != values[name] for name, digest in digests.items()):
        raise ArtifactError(
            f"{WEIGHTS_NAME}, {OOD_NAME} and {METADATA_NAME} in {folder} do not belong together: a "
            "digest differs from the one on record."
        )
    _check_date(values["training"].get("trained_at"), folder)
    return Artifact(**{**values, "classes": tuple(values["classes"])})


def _check_date(trained_at: str | None, folder: Path) -> None:
    """An artifact may leave out when it was trained; what it says must be a time with its zone."""
    try:
        valid = trained_at is None or datetime.fromisoformat(trained_at).tzinfo is not None
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ArtifactError(
            f"trained_at in {folder / METADATA_NAME} is no time in ISO 8601 with its zone, such as "
            "2026-05-04T10:00:00+00:00."
        )


def write_metadata(folder: Path, artifact: Artifact) -> None:
    """Write `pneumonia.json` beside the weights that are already in `folder`."""
    text = json.dumps(asdict(artifact), indent=2, sort_keys=True) + "\n"
    (folder / METADATA_NAME).write_text(text)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
