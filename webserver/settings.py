"""What the settings classes of the services share; each service's own are in its `config.py`.

A value comes from the overrides, else from the environment, else from `var/env`, which `make run`
writes, else from the default. A blank value counts as missing.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.1"

MOST_BODY_MB = 500
"""Far above any X-ray; API and worker hold a whole file in memory."""

MOST_MEGAPIXELS = 178
"""From 179 on Pillow refuses by itself (at twice its MAX_IMAGE_PIXELS)."""


class ConfigError(RuntimeError):
    """A required setting is missing or invalid; the message is one sentence that names it."""


def find_var() -> Path:
    """The folder with data, secrets and `env` on this machine."""
    return Path(os.environ.get("VAR_DIR") or ROOT / "var")


def whole(most: int, unit: int = 1, least: int = 1) -> BeforeValidator:
    """A whole number from `least` to `most`, times `unit`."""

    def check(value: str) -> int:
        # int() and pydantic also take "1_0", "+25" and digits of other scripts.
        if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, not {value[:20]!r}.")
        return int(value) * unit

    return BeforeValidator(check)


def _read_switch(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError(f"must be 0 or 1, not {value[:20]!r}.")
    return value == "1"


Switch = Annotated[bool, BeforeValidator(_read_switch)]
Secret = Annotated[str, Field(repr=False)]
Port = Annotated[int, whole(65535)]
BodyBytes = Annotated[int, whole(MOST_BODY_MB, 1024 * 1024)]
Pixels = Annotated[int, whole(MOST_MEGAPIXELS, 1_000_000)]
Seconds = Annotated[int, whole(8760, 3600)]
"""Set in hours, up to a year."""


class Settings(BaseSettings):
    """The settings of one process, read and checked by `read`.

    A setting is named like its field, in capitals, unless its field has an alias.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",  # var/env holds the settings of all processes
        case_sensitive=True,
        alias_generator=str.upper,
        validate_default=False,  # a default is the value itself, in its own unit
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_blanks(cls, values: dict[str, str | None]) -> dict[str, str]:
        stripped = {name: (value or "").strip() for name, value in values.items()}
        return {name: value for name, value in stripped.items() if value}

    @classmethod
    def read(cls, overrides: Mapping[str, str] | None = None) -> Self:
        """The settings from `overrides`, the environment and `var/env`. Raises ConfigError."""
        values: dict[str, Any] = {"_env_file": find_var() / "env", **(overrides or {})}
        try:
            return cls(**values)
        except ValidationError as error:
            fault = error.errors()[0]
            # Never pydantic's own text, which quotes the value: it may be a secret.
            sentence = "is not set; `make run` writes it to var/env."
            if fault["type"] == "value_error":
                sentence = str(fault["ctx"]["error"])
            raise ConfigError(f"{fault['loc'][0]} {sentence}") from None
