"""The settings of API, worker and web: what makes no sense ends the start with its name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pneumonia_api import config as api
from pneumonia_web import config as web

GIVEN = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "API_KEY": "k",
    "API_URL": "http://127.0.0.1:1",
    "SECRET_KEY": "s",
}
Read = Callable[[Mapping[str, str]], Any]


@pytest.fixture(autouse=True)
def no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of this folder."""
    monkeypatch.setenv("VAR_DIR", str(tmp_path))


@pytest.mark.parametrize("service", ["api", "web"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_MEGAPIXELS", "179"),
        ("MAX_MEGAPIXELS", "0"),
        ("MAX_MEGAPIXELS", "60.5"),
        ("MAX_MEGAPIXELS", "-1"),
        ("MAX_MEGAPIXELS", "9" * 5000),
        ("MAX_BODY_MB", "501"),
        ("MAX_BODY_MB", "25 MB"),
        ("MAX_BODY_MB", "\u0662\u0665"),
        ("SESSION_HOURS", "8761"),
    ],
)
def test_values_that_make_no_sense_are_named(service: str, name: str, value: str) -> None:
    """Among them one that the decoder of images would not heed."""
    module: Any = {"api": api, "web": web}[service]
    with pytest.raises(module.ConfigError, match=name):
        module.read_config({**GIVEN, name: value})


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (api, "MAX_QUEUED", "1000001"),
        (api, "API_PORT", "65536"),
        (web, "WEB_PORT", "65536"),
        (web, "PROXY_ADDRESS", "nginx"),
        (web, "COOKIE_SECURE", "no"),
        (api, "API_KEY", "  "),
        (web, "SECRET_KEY", "  "),
    ],
)
def test_values_of_one_service_are_named(module: Any, name: str, value: str) -> None:
    """A port that is none, an address that is a name."""
    with pytest.raises(module.ConfigError, match=name):
        module.read_config({**GIVEN, name: value})


def test_blanks_around_a_value_mean_nothing() -> None:
    """They come with quotes in files of settings."""
    padded = {name: f" {value}\n" for name, value in GIVEN.items()}
    read = api.read_config({**padded, "MAX_MEGAPIXELS": " 178 "})
    assert (read.api_key, read.max_pixels) == ("k", 178_000_000)
    assert web.read_config({**padded, "COOKIE_SECURE": " 0 "}).cookie_secure is False


def test_largest_image_is_one_that_the_decoder_takes() -> None:
    """The bound is Pillow's own, which refuses from twice its limit on."""
    from PIL import Image  # noqa: PLC0415 - the API itself need not have it

    assert Image.MAX_IMAGE_PIXELS is not None
    assert api.MOST_MEGAPIXELS == web.MOST_MEGAPIXELS == 2 * Image.MAX_IMAGE_PIXELS // 1_000_000
