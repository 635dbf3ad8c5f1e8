"""The README keeps what it promises."""

import re

from local.watchers import PORTS as MONITORING_PORTS
from model.serving.artifact import read_artifact
from run import PORTS
from tests.stack import ROOT

README = (ROOT / "README.md").read_text()


def test_every_setting_is_in_the_table_and_every_row_is_a_setting() -> None:
    """One table, complete: what the two config.py, run.py and the tests read."""
    sources = [
        *("pneumonia_api/config.py", "pneumonia_web/config.py", "run.py"),
        *("monitoring/programs.py", "tests/conftest.py"),
    ]
    read = {*PORTS, *MONITORING_PORTS}
    for source in sources:
        text = (ROOT / source).read_text()
        read |= set(re.findall(r'(?:get|required|whole)\(\s*"([A-Z][A-Z_]+)"', text))
    read.discard("REDIS_PASSWORD")  # part of REDIS_URL, never set by hand
    table = README.split("## Settings")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)`", table, re.M)) == read


def test_every_command_is_a_make_target() -> None:
    """What people are told to type exists."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`?make ([a-z-]+)`?", README)) <= targets


def test_every_linked_file_exists() -> None:
    """No dead link to a file of the repository."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_figures_are_those_of_the_shipped_artifact() -> None:
    """The README never speaks of another model than the one it ships with."""
    test = read_artifact(ROOT / "model" / "artifact").scores["test"]
    for label, key in (
        ("AUC", "auc_roc"),
        ("sensitivity", "sensitivity"),
        ("accuracy", "accuracy"),
    ):
        value, low, high = test[key]
        assert f"| {label} | {value:.3f} ({low:.3f} to {high:.3f}) |" in README
