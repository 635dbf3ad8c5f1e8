"""The API's and the worker's settings; the only reader of their environment.

A value missing from the environment is read from `var/env`, which `make run` writes.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.1"

MAX_WAITERS = 48
"""Requests that one process of the API holds for `wait` at a time; it has more threads than that,
so that all others are still answered while no worker is."""


MOST_BODY_MB = 500
"""Far above any film; the API while it checks it, and the worker, hold a file whole."""

MOST_MEGAPIXELS = 178
"""From 179 on Pillow refuses by itself (at twice its MAX_IMAGE_PIXELS)."""


class ConfigError(RuntimeError):
    """A required setting is missing or a value makes no sense; names the setting."""


@dataclass(frozen=True)
class Config:
    """Every setting, checked. Sizes are in bytes and pixels, times in seconds."""

    redis_url: str
    api_key: str
    web_key: str
    image_store: str
    artifact_store: str
    model_dir: Path
    serving_dir: Path
    max_body_bytes: int
    max_pixels: int
    max_queued: int
    session_seconds: int
    api_host: str
    api_port: int
    multiprocess_dir: Path
    worker_metrics_host: str
    worker_metrics_port: int


def read_config(overrides: Mapping[str, str] | None = None) -> Config:
    """Settings from `overrides`, else the environment, else `var/env`, else their defaults.

    Raises ConfigError with the setting's name.
    """
    var = Path(os.environ.get("VAR_DIR") or ROOT / "var")
    read = {**dotenv_values(var / "env"), **os.environ, **(overrides or {})}
    values = {name: (value or "").strip() for name, value in read.items()}

    def required(name: str) -> str:
        value = values.get(name)
        if not value:
            raise ConfigError(f"{name} is not set; `make run` writes it to var/env.")
        return value

    def whole(name: str, default: int, most: int) -> int:
        value = values.get(name) or str(default)
        if not re.fullmatch("[0-9]{1,9}", value) or not 0 < int(value) <= most:
            raise ConfigError(
                f"{name} must be a whole number from 1 to {most}, not {value[:20]!r}."
            )
        return int(value)

    return Config(
        redis_url=required("REDIS_URL"),
        api_key=required("API_KEY"),
        web_key=values.get("WEB_KEY") or "",
        image_store=values.get("IMAGE_STORE") or f"file://{var.resolve()}/images",
        artifact_store=values.get("ARTIFACT_STORE") or "",
        model_dir=Path(values.get("MODEL_DIR") or ROOT / "model" / "artifact"),
        serving_dir=Path(values.get("SERVING_DIR") or var / "serving"),
        max_body_bytes=whole("MAX_BODY_MB", 25, MOST_BODY_MB) * 1024 * 1024,
        max_pixels=whole("MAX_MEGAPIXELS", 60, MOST_MEGAPIXELS) * 1_000_000,
        max_queued=whole("MAX_QUEUED", 1000, 1_000_000),
        session_seconds=whole("SESSION_HOURS", 12, 8760) * 3600,
        api_host=values.get("API_HOST") or LOOPBACK,
        worker_metrics_host=values.get("WORKER_METRICS_HOST") or LOOPBACK,
        api_port=whole("API_PORT", 5000, 65535),
        worker_metrics_port=whole("WORKER_METRICS_PORT", 9200, 65535),
        multiprocess_dir=Path(
            values.get("PROMETHEUS_MULTIPROC_DIR") or var.absolute() / "multiprocess" / "api"
        ),
    )
