"""The web's settings; nothing else in the web reads the environment."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from pneumonia_web.language import N_
from webserver.forwarded import Network
from webserver.settings import (
    LOOPBACK,
    BodyBytes,
    ConfigError,
    Pixels,
    Port,
    Seconds,
    Secret,
    Settings,
    Switch,
    find_var,
    whole,
)

__all__ = ["Config", "ConfigError", "read_config"]


def _read_networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in value.split(","))
    except ValueError as error:
        raise ValueError(f"must be addresses or networks, not {value[:60]!r}.") from error


def _read_label(value: str) -> str:
    if not value.isprintable() or len(value) > MAX_LABEL:
        raise ValueError(f"must be at most {MAX_LABEL} printable characters.")
    return value


MAX_LABEL = 64
"""Characters of a name at the head of every page, which has to fit on a phone."""

Label = Annotated[str, BeforeValidator(_read_label)]


class Config(Settings):
    """Sizes are in bytes and pixels, times in seconds."""

    api_url: Annotated[str, BeforeValidator(lambda url: url.rstrip("/"))]
    secret_key: Secret
    web_key: Secret = ""
    cookie_secure: Switch = True
    service_name: Label = N_("Pneumonia detection")
    site_name: Label = ""
    site_contact: Label = ""
    environment_badge: Label = N_("Research use only")
    reads_first: Switch = Field(False, alias="AI_AFTER_READING")
    max_body_bytes: BodyBytes = Field(25 << 20, alias="MAX_BODY_MB")
    max_pixels: Pixels = Field(60_000_000, alias="MAX_MEGAPIXELS")
    oidc_issuer: str = ""
    break_glass_admin: str = ""
    oidc_name: Label = N_("your hospital account")
    idle_minutes: Annotated[int, whole(24 * 60)] = 15
    session_seconds: Seconds = Field(12 * 3600, alias="SESSION_HOURS")
    web_host: str = LOOPBACK
    web_port: Port = 8000
    multiprocess_dir: Path = Field(
        default_factory=lambda: find_var().absolute() / "multiprocess" / "web",
        alias="PROMETHEUS_MULTIPROC_DIR",
    )
    proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_read_networks)] = Field(
        (ipaddress.IPv4Network(LOOPBACK),), alias="PROXY_ADDRESS"
    )


def read_config(overrides: Mapping[str, str] | None = None) -> Config:
    """The web's settings from `overrides`, the environment and `var/env`. Raises ConfigError."""
    return Config.read(overrides)
