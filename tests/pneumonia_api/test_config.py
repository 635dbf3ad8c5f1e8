"""Each process reads only its own settings; an invalid one ends the start and is named."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pneumonia_api import config as api
from pneumonia_api.config import (
    ConfigError,
    read_batch_config,
    read_config,
    read_worker_config,
)
from pneumonia_web import config as web
from webserver.settings import MOST_MEGAPIXELS

GIVEN = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "API_KEY": "k",
    "API_URL": "http://127.0.0.1:1",
    "SECRET_KEY": "s",
}
Read = Callable[[Mapping[str, str]], Any]


REDIS = {"REDIS_URL": "redis://127.0.0.1:1/0"}
NEEDED: list[tuple[Callable[..., Any], dict[str, str]]] = [
    (read_config, {**REDIS, "API_KEY": "k"}),
    (read_worker_config, REDIS),
    (read_batch_config, REDIS),
]
OTHERS = {
    read_config: {"WORKER_METRICS_PORT"},
    read_worker_config: {"API_KEY", "SESSION_HOURS", "MAX_QUEUED", "API_PORT", "MAX_BODY_MB"},
    read_batch_config: {"API_KEY", "SESSION_HOURS", "API_PORT", "WORKER_METRICS_PORT"},
}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting comes from the machine or the folder in which the tests run."""
    for name in {name for _, needed in NEEDED for name in needed}.union(*OTHERS.values()):
        monkeypatch.delenv(name, raising=False)
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
def test_invalid_values_are_named(service: str, name: str, value: str) -> None:
    """Among them a pixel limit above that of the image decoder."""
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
def test_invalid_values_of_one_service_are_named(module: Any, name: str, value: str) -> None:
    """Invalid ports and switches, a name in place of an address, a blank secret."""
    with pytest.raises(module.ConfigError, match=name):
        module.read_config({**GIVEN, name: value})


@pytest.mark.parametrize("read", [read_worker_config, read_batch_config])
def test_precision_is_one_of_those_known(read: Read) -> None:
    """`auto` by default; another word is named together with the ones that exist."""
    assert read(REDIS).precision == "auto"
    assert read({**REDIS, "PRECISION": "bfloat16"}).precision == "bfloat16"
    for wrong in ("bf16", "FLOAT32", "int8"):
        with pytest.raises(ConfigError, match=f"PRECISION must be auto, float32.*not '{wrong}'"):
            read({**REDIS, "PRECISION": wrong})


def test_blanks_around_a_value_are_ignored() -> None:
    """They come from quoted values in settings files."""
    padded = {name: f" {value}\n" for name, value in GIVEN.items()}
    read = api.read_config({**padded, "MAX_MEGAPIXELS": " 178 "})
    assert (read.api_key, read.max_pixels) == ("k", 178_000_000)
    assert web.read_config({**padded, "COOKIE_SECURE": " 0 "}).cookie_secure is False


def test_largest_image_is_one_that_the_decoder_takes() -> None:
    """The bound is Pillow's own, which refuses more than twice its limit."""
    from PIL import Image  # noqa: PLC0415 - the API itself need not have it

    assert Image.MAX_IMAGE_PIXELS is not None
    assert MOST_MEGAPIXELS == 2 * Image.MAX_IMAGE_PIXELS // 1_000_000


@pytest.mark.parametrize(("read", "needed"), NEEDED)
def test_process_needs_its_own_settings_and_no_other(
    read: Callable[..., Any], needed: dict[str, str]
) -> None:
    """A missing one that it needs is named; invalid settings of other processes are ignored."""
    config = read(needed | dict.fromkeys(OTHERS[read], "nonsense"))
    for name in needed:
        with pytest.raises(ConfigError, match=name):
            read({**needed, name: ""})
    if read is not read_config:
        assert "nonsense" not in repr(config)
        assert not hasattr(config, "api_key")


@pytest.mark.parametrize("module", [api, web])
def test_secrets_are_in_no_text_of_the_settings(module: Any) -> None:
    """Nor in that of an error: a log may quote either."""
    given = {
        **GIVEN,
        "REDIS_URL": "redis://:hidden@h/0",
        **dict.fromkeys(("API_KEY", "SECRET_KEY", "WEB_KEY"), "hidden"),
    }
    assert "hidden" not in repr(module.read_config(given))
    with pytest.raises(module.ConfigError) as error:
        module.read_config({**given, "MAX_BODY_MB": "many"})
    assert "hidden" not in str(error.getrepr(showlocals=False, style="short"))


@pytest.mark.parametrize("module", [api, web])
def test_environment_goes_before_the_file_and_a_blank_value_is_none(
    module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the environment lacks is read from `var/env`; a blank there hides the file's value."""
    (tmp_path / "env").write_text("MAX_BODY_MB=7\nMAX_MEGAPIXELS=8\nSESSION_HOURS=9\nOTHER=x\n")
    monkeypatch.setenv("MAX_MEGAPIXELS", "10")
    monkeypatch.setenv("SESSION_HOURS", " ")
    read = module.read_config(GIVEN)
    assert (read.max_body_bytes >> 20, read.max_pixels, read.session_seconds) == (
        7,
        10_000_000,
        12 * 3600,
    )


def test_scoring_reads_no_key_from_the_settings_of_the_api(tmp_path: Path) -> None:
    """From a file with all settings it takes only its own."""
    (tmp_path / "env").write_text("API_KEY=secret\nSECRET_KEY=secret\n")
    assert "secret" not in repr(read_batch_config(REDIS))
