"""The settings of the training job; the only reader of its environment.

A value missing from the environment is read from `var/env`, which `make run` writes.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[2]


class ConfigError(RuntimeError):
    """A required setting is missing; names it."""


@dataclass(frozen=True)
class JobConfig:
    """Where the data comes from, where artifacts go (fsspec URLs), and where progress is kept."""

    training_data: str
    artifact_store: str
    metrics_dir: Path


def read_job_config() -> JobConfig:
    """Raises ConfigError with the name of the setting."""
    var = Path(os.environ.get("VAR_DIR") or ROOT / "var")
    values = {**dotenv_values(var / "env"), **os.environ}

    def require(name: str) -> str:
        if not (value := (values.get(name) or "").strip()):
            raise ConfigError(f"{name} is not set; `make run` writes it to var/env.")
        return value

    return JobConfig(
        training_data=require("TRAINING_DATA"),
        artifact_store=require("ARTIFACT_STORE"),
        metrics_dir=var / "metrics",
    )
