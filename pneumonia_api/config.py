"""The settings of API, worker and scoring; the only reader of their environment.

Each process reads its own: a setting that it does not need is not in its hands, nor can it end it.

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
    """The API's settings, checked. Sizes are in bytes and pixels, times in seconds."""

    redis_url: str
    api_key: str
    web_key: str
    image_store: str
    max_body_bytes: int
    max_pixels: int
    max_queued: int
    session_seconds: int
    api_host: str
    api_port: int
    multiprocess_dir: Path


@dataclass(frozen=True)
class WorkerConfig:
    """The worker's settings, checked; nobody calls it, so it has no key."""

    redis_url: str
    image_store: str
    artifact_store: str
    model_dir: Path
    serving_dir: Path
    max_pixels: int
    metrics_host: str
    metrics_port: int


@dataclass(frozen=True)
class BatchConfig:
    """The settings of a run that scores a folder, checked. Sizes are in bytes and pixels."""

    redis_url: str
    image_store: str
    model_dir: Path
    serving_dir: Path
    max_body_bytes: int
    max_pixels: int


def read_config(overrides: Mapping[str, str] | None = None) -> Config:
    """The API's settings, from `overrides`, the environment, `var/env`, or their defaults.

    Raises ConfigError with the setting's name, as all functions here do.
    """
    values = _Values(overrides)
    return Config(
        redis_url=values.required("REDIS_URL"),
        api_key=values.required("API_KEY"),
        web_key=values.get("WEB_KEY"),
        image_store=values.image_store(),
        max_body_bytes=values.max_body_bytes(),
        max_pixels=values.max_pixels(),
        max_queued=values.whole("MAX_QUEUED", 1000, 1_000_000),
        session_seconds=values.whole("SESSION_HOURS", 12, 8760) * 3600,
        api_host=values.get("API_HOST") or LOOPBACK,
        api_port=values.port("API_PORT", 5000),
        multiprocess_dir=Path(
            values.get("PROMETHEUS_MULTIPROC_DIR") or values.var.absolute() / "multiprocess" / "api"
        ),
    )


def read_worker_config(overrides: Mapping[str, str] | None = None) -> WorkerConfig:
    """The worker's settings; see `read_config`."""
    values = _Values(overrides)
    return WorkerConfig(
        redis_url=values.required("REDIS_URL"),
        image_store=values.image_store(),
        artifact_store=values.get("ARTIFACT_STORE"),
        model_dir=values.model_dir(),
        serving_dir=values.serving_dir(),
        max_pixels=values.max_pixels(),
        metrics_host=values.get("WORKER_METRICS_HOST") or LOOPBACK,
        metrics_port=values.port("WORKER_METRICS_PORT", 9200),
    )


def read_batch_config(overrides: Mapping[str, str] | None = None) -> BatchConfig:
    """The settings of `pneumonia_api.batch.run`; see `read_config`."""
    values = _Values(overrides)
    return BatchConfig(
        redis_url=values.required("REDIS_URL"),
        image_store=values.image_store(),
        model_dir=values.model_dir(),
        serving_dir=values.serving_dir(),
        max_body_bytes=values.max_body_bytes(),
        max_pixels=values.max_pixels(),
    )


class _Values:
    """Settings by name, each checked where it is read."""

    def __init__(self, overrides: Mapping[str, str] | None) -> None:
        self.var = Path(os.environ.get("VAR_DIR") or ROOT / "var")
        read = {**dotenv_values(self.var / "env"), **os.environ, **(overrides or {})}
        self._values = {name: (value or "").strip() for name, value in read.items()}

    def get(self, name: str) -> str:
        return self._values.get(name, "")

    def required(self, name: str) -> str:
        if not (value := self.get(name)):
            raise ConfigError(f"{name} is not set; `make run` writes it to var/env.")
        return value

    def whole(self, name: str, default: int, most: int) -> int:
        value = self.get(name) or str(default)
        if not re.fullmatch("[0-9]{1,9}", value) or not 0 < int(value) <= most:
            raise ConfigError(
                f"{name} must be a whole number from 1 to {most}, not {value[:20]!r}."
            )
        return int(value)

    def port(self, name: str, default: int) -> int:
        return self.whole(name, default, 65535)

    def image_store(self) -> str:
        return self.get("IMAGE_STORE") or f"file://{self.var.resolve()}/images"

    def model_dir(self) -> Path:
        return Path(self.get("MODEL_DIR") or ROOT / "model" / "artifact")

    def serving_dir(self) -> Path:
        return Path(self.get("SERVING_DIR") or self.var / "serving")

    def max_body_bytes(self) -> int:
        return self.whole("MAX_BODY_MB", 25, MOST_BODY_MB) * 1024 * 1024

    def max_pixels(self) -> int:
        return self.whole("MAX_MEGAPIXELS", 60, MOST_MEGAPIXELS) * 1_000_000
