"""The settings of the training job; nothing else in it reads the environment.

A value that the environment lacks is read from `var/env`, which `make run` writes.
"""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]


class ConfigError(RuntimeError):
    """A required setting is missing; the message is one sentence that names it."""


class JobConfig(BaseSettings):
    """Where the data comes from and where artifacts go (fsspec URLs), and where progress is kept.

    Each setting is named like its field, in capitals.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",  # var/env holds the settings of all processes
        case_sensitive=True,
        alias_generator=str.upper,
        str_strip_whitespace=True,
    )

    training_data: str = Field(min_length=1)
    artifact_store: str = Field(min_length=1)

    @property
    def metrics_dir(self) -> Path:
        """The folder of the job's gauges."""
        return _find_var() / "metrics"


def read_job_config() -> JobConfig:
    """Raises ConfigError with the name of the setting."""
    source: dict[str, Any] = {"_env_file": _find_var() / "env"}
    try:
        return JobConfig(**source)
    except ValidationError as error:
        name = error.errors()[0]["loc"][0]
        raise ConfigError(f"{name} is not set; `make run` writes it to var/env.") from None


def _find_var() -> Path:
    return Path(os.environ.get("VAR_DIR") or ROOT / "var")
