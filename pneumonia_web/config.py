"""The web's settings; the only reader of its environment.

A value missing from the environment is read from `var/env`, which `make run` writes.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.1"


# As in pneumonia_api/config.py, which has the reasons.
MOST_BODY_MB = 500
MOST_MEGAPIXELS = 178

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(RuntimeError):
    """A required setting is missing or a value makes no sense; names the setting."""


@dataclass(frozen=True)
class Config:
    """Every setting, checked."""

    api_url: str
    secret_key: str
    web_key: str
    cookie_secure: bool
    max_body_bytes: int
    max_pixels: int
    session_seconds: int
    web_host: str
    web_port: int
    multiprocess_dir: Path
    proxies: tuple[Network, ...]


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

    proxy_address = values.get("PROXY_ADDRESS") or LOOPBACK
    try:
        networks = [ipaddress.ip_network(each.strip()) for each in proxy_address.split(",")]
    except ValueError as error:
        raise ConfigError(
            f"PROXY_ADDRESS must be addresses or networks, not {proxy_address[:60]!r}."
        ) from error
    cookie_secure = values.get("COOKIE_SECURE") or "1"
    if cookie_secure not in ("0", "1"):
        raise ConfigError(f"COOKIE_SECURE must be 0 or 1, not {cookie_secure[:20]!r}.")

    return Config(
        api_url=required("API_URL").rstrip("/"),
        secret_key=required("SECRET_KEY"),
        web_key=values.get("WEB_KEY") or "",
        cookie_secure=cookie_secure == "1",
        max_body_bytes=whole("MAX_BODY_MB", 25, MOST_BODY_MB) * 1024 * 1024,
        max_pixels=whole("MAX_MEGAPIXELS", 60, MOST_MEGAPIXELS) * 1_000_000,
        session_seconds=whole("SESSION_HOURS", 12, 8760) * 3600,
        web_host=values.get("WEB_HOST") or LOOPBACK,
        proxies=tuple(networks),
        web_port=whole("WEB_PORT", 8000, 65535),
        multiprocess_dir=Path(
            values.get("PROMETHEUS_MULTIPROC_DIR") or var.absolute() / "multiprocess" / "web"
        ),
    )
