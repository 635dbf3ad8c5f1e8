"""The web's settings; the only reader of its environment.

A value missing from the environment is read from `var/env`, which `make run` writes.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.1"


class ConfigError(RuntimeError):
    """A required setting is missing or a value makes no sense; names the setting."""


@dataclass(frozen=True)
class Config:
    """Every setting, checked."""

    api_url: str
    secret_key: str
    cookie_secure: bool
    max_body_bytes: int
    max_pixels: int
    session_seconds: int
    web_host: str
    web_port: int
    multiprocess_dir: Path
    proxy_address: str


def read_config(overrides: Mapping[str, str] | None = None) -> Config:
    """Settings from `overrides`, else the environment, else `var/env`, else their defaults.

    Raises ConfigError with the setting's name.
    """
    var = Path(os.environ.get("VAR_DIR") or ROOT / "var")
    values = {**dotenv_values(var / "env"), **os.environ, **(overrides or {})}

    def required(name: str) -> str:
        value = values.get(name)
        if not value:
            raise ConfigError(f"{name} is not set; `make run` writes it to var/env.")
        return value

    def whole(name: str, default: int) -> int:
        value = values.get(name) or str(default)
        if not value.isdecimal() or int(value) == 0:
            raise ConfigError(f"{name} must be a whole number above 0, not {value!r}.")
        return int(value)

    return Config(
        api_url=required("API_URL").rstrip("/"),
        secret_key=required("SECRET_KEY"),
        cookie_secure=values.get("COOKIE_SECURE", "1") != "0",
        max_body_bytes=whole("MAX_BODY_MB", 25) * 1024 * 1024,
        max_pixels=whole("MAX_MEGAPIXELS", 60) * 1_000_000,
        session_seconds=whole("SESSION_HOURS", 12) * 3600,
        web_host=values.get("WEB_HOST") or LOOPBACK,
        proxy_address=values.get("PROXY_ADDRESS") or LOOPBACK,
        web_port=whole("WEB_PORT", 8000),
        multiprocess_dir=Path(
            values.get("PROMETHEUS_MULTIPROC_DIR") or var.absolute() / "multiprocess" / "web"
        ),
    )
