"""What an artifact records of the run that trained it: `training` in `pneumonia.json`."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from model.serving.artifact import METADATA_NAME, parse_metadata, sha256_of
from model.training.resume import History
from model.training.settings import Hyperparameters


@dataclass(frozen=True)
class ImageCounts:
    """Images that a run trained and validated on."""

    train: int
    validation: int


@dataclass(frozen=True)
class TrainingRecord:
    """How a network was trained; the names are those of the fields in `pneumonia.json`.

    `head_on_conv4` is the last epoch of that head. `initial_weights_sha256` is `imagenet` or `none`
    where no file was given. `sources` are those of the images. `initial` is the record of the run
    that made the initial weights, where they are those of an artifact.
    """

    arguments: Hyperparameters
    history: History
    head_on_conv4: dict[str, float]
    images: ImageCounts
    trained_layers: list[str]
    data_sha256: str
    initial_weights_sha256: str
    commit: str
    trained_at: str
    hardware: str
    versions: dict[str, str]
    sources: list[str]
    initial: dict[str, Any] | None = None


def read_initial(weights: Path) -> dict[str, Any] | None:
    """The record of the run that made the file `weights`; None where no artifact is around it.

    So the record of a network that was trained in several runs has all of them. Raises
    ArtifactError where its metadata is damaged.
    """
    metadata = weights.parent / METADATA_NAME
    if not (weights.is_file() and metadata.is_file()):
        return None
    artifact = parse_metadata(metadata.read_bytes(), metadata)
    return artifact.training if sha256_of(weights) == artifact.weights_sha256 else None


def now() -> str:
    """The time in ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def list_versions() -> dict[str, str]:
    """The versions of the libraries that the result depends on."""
    return {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
    }


def describe_hardware() -> str:
    """Such as `2 cores without a GPU, x86_64`, or `1 x Tesla V100-SXM2-16GB`."""
    gpus = [
        tf.config.experimental.get_device_details(device).get("device_name", "GPU")
        for device in tf.config.list_physical_devices("GPU")
    ]
    if gpus:
        return ", ".join(f"{gpus.count(name)} x {name}" for name in sorted(set(gpus)))
    return f"{len(os.sched_getaffinity(0))} cores without a GPU, {platform.machine()}"


def read_commit() -> str:
    """The commit of this code, with `+changes` when the working tree differs; or `unknown`."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+changes", "--abbrev=12", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()
