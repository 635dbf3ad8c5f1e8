"""The README keeps what it promises."""

import re

from local.watchers import PORTS as MONITORING_PORTS
from model.serving.artifact import read_artifact
from model.training.job_config import JobConfig
from pneumonia_api.config import BatchConfig, WorkerConfig
from pneumonia_api.config import Config as ApiConfig
from pneumonia_web.config import Config as WebConfig
from run import PORTS
from tests.stack import ROOT

README = (ROOT / "README.md").read_text()


def test_every_setting_is_in_the_table_and_every_row_is_a_setting() -> None:
    """One table, complete: the fields of the settings classes, and what is read elsewhere."""
    read = {*PORTS, *MONITORING_PORTS, "VAR_DIR"}
    for settings in (ApiConfig, WorkerConfig, BatchConfig, JobConfig, WebConfig):
        read |= {str(field.alias) for field in settings.model_fields.values()}
    for source in ("run.py", "local/watchers.py", "tests/conftest.py"):
        text = (ROOT / source).read_text()
        read |= set(re.findall(r'get\(\s*"([A-Z][A-Z_]+)"', text))
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
