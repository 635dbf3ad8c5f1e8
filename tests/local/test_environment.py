"""`local.environment`: which variables reach the parts, and how `var/env` is read."""

import re
from pathlib import Path

import pytest

from local.environment import (
    MADE_HERE,
    SETTINGS,
    clean_environment,
    read_kept_settings,
)
from pneumonia_api.app import create_app as create_api
from pneumonia_web.app import create_app as create_web
from tests.local.hostile import PROXIES, write_hostile
from tests.stack import ROOT


def test_every_setting_of_the_readme_is_passed_on_or_made_here() -> None:
    """Fails for a new setting that `make run` would drop silently."""
    table = (ROOT / "README.md").read_text().split("## Settings")[1].split("\n## ")[0]
    rows = set(re.findall(r"^\| `([A-Z_]+)`", table, re.M))
    assert rows - {"XRAY_DATA", "TRAINING_DATA"} == SETTINGS | MADE_HERE  # of training and tests


def test_nothing_else_of_the_caller_is_passed_on(tmp_path: Path) -> None:
    """Each variable that broke or changed a part is dropped, or has another value."""
    hostile = write_hostile(tmp_path)
    kept = clean_environment(hostile)
    assert kept.items() & hostile.items() == {*PROXIES.items(), ("PATH", hostile["PATH"])}


def test_flask_is_never_in_debug_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bug is answered with our error in JSON or as a page, not with gunicorn's."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    assert not create_api({"REDIS_URL": "redis://127.0.0.1:9/0", "API_KEY": "k"}).debug
    assert not create_web({"API_URL": "http://127.0.0.1:9", "SECRET_KEY": "k"}).debug


@pytest.mark.parametrize("given", ["", "10.0.0.0/8,.hospital.example"])
def test_loopback_never_goes_through_the_proxy(given: str) -> None:
    """Exemptions of the caller stay, and the proxy stays for everything else."""
    kept = clean_environment({"HTTPS_PROXY": "http://proxy:3128", "no_proxy": given})
    assert kept["https_proxy"] == kept["HTTPS_PROXY"] == "http://proxy:3128"
    assert kept["no_proxy"] == kept["NO_PROXY"]
    assert {*given.split(","), "localhost", "127.0.0.1", "::1"} - {""} == set(
        kept["no_proxy"].split(",")
    )


def test_folder_for_temporary_files_is_passed_on_where_it_exists(tmp_path: Path) -> None:
    """A missing folder would only make a part fail later."""
    assert clean_environment({"TMPDIR": str(tmp_path)})["TMPDIR"] == str(tmp_path)
    assert "TMPDIR" not in clean_environment({"TMPDIR": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("left", "values", "damaged_lines"),
    [
        (b"A=1\n\n# a comment\nexport B = x=y \n", {"A": "1", "B": "x=y "}, 0),
        (b"", {}, 0),
        (b"A=1\nAPI_KEY=half-of-it", {"A": "1"}, 1),
        (b"A=1\n" + bytes(4096), {"A": "1"}, 1),
        (b"A=1\nB=\x00\x00\nC=3\n", {"A": "1", "C": "3"}, 1),
        (b"A=\xff\xfe\nno assignment\nC=3\n", {"C": "3"}, 2),
    ],
)
def test_whole_lines_of_a_damaged_file_are_kept(
    tmp_path: Path, left: bytes, values: dict[str, str], damaged_lines: int
) -> None:
    """Truncated, empty or filled with zeros by a power cut: a part of a value is never used."""
    (tmp_path / "env").write_bytes(left)
    kept = read_kept_settings(tmp_path / "env")
    assert (kept.values, kept.damaged_lines) == (values, damaged_lines)
