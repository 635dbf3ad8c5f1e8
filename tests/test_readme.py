"""README and documents keep what they promise."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from local.watchers import PORTS as MONITORING_PORTS
from model.serving.artifact import read_artifact
from model.training.job_config import JobConfig
from pneumonia_api.config import (
    AuditConfig,
    BatchConfig,
    NodeConfig,
    ResultsConfig,
    WorkerConfig,
)
from pneumonia_api.config import Config as ApiConfig
from pneumonia_web.config import Config as WebConfig
from run import PORTS
from tests.stack import ROOT

README = (ROOT / "README.md").read_text()
DOCUMENTS = subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.split()


def test_every_setting_is_in_the_table_and_every_row_is_a_setting() -> None:
    """One table, complete: the fields of the settings classes, and what is read elsewhere."""
    read = {*PORTS, *MONITORING_PORTS, "VAR_DIR"}
    api = (ApiConfig, WorkerConfig, AuditConfig, BatchConfig, NodeConfig, ResultsConfig)
    for settings in (*api, JobConfig, WebConfig):
        read |= {str(field.alias) for field in settings.model_fields.values()}
    for source in ("run.py", "local/watchers.py", "tests/conftest.py"):
        text = (ROOT / source).read_text()
        read |= set(re.findall(r'get\(\s*"([A-Z][A-Z_]+)"', text))
    read.discard("REDIS_PASSWORD")  # part of REDIS_URL, never set by hand
    table = README.split("## Settings")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)`", table, re.M)) == read


def test_every_command_is_a_make_target() -> None:
    """Every `make` command in a document exists, and the README lists every target."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^\| `make ([a-z-]+)`", README, re.M)) == targets
    for document in DOCUMENTS:
        assert set(re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / document).read_text(), re.M)) <= (
            targets
        ), document


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_linked_file_exists(document: str) -> None:
    """No dead link from a document to a file of the repository, or to one of its headings."""
    file = ROOT / document
    for target, anchor in re.findall(r"\]\(([^)#: ]*)(?:#([\w-]+))?\)", file.read_text()):
        linked = file.parent / target if target else file
        assert linked.exists(), target
        if anchor:
            assert anchor in find_anchors(linked), f"{target}#{anchor}"


def find_anchors(document: Path) -> set[str]:
    """The headings as links name them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_figures_are_those_of_the_shipped_artifact() -> None:
    """The README describes the model that is shipped."""
    test = read_artifact(ROOT / "model" / "artifact").scores["test"]
    for label, key in (
        ("AUC", "auc_roc"),
        ("sensitivity", "sensitivity"),
        ("accuracy", "accuracy"),
    ):
        value, low, high = test[key]
        assert f"| {label} | {value:.3f} ({low:.3f} to {high:.3f}) |" in README


def test_citation_is_of_this_version_and_licence() -> None:
    """CITATION.cff and pyproject.toml agree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"].split()[0]


def test_hooks_run_what_lint_runs() -> None:
    """Each command of `make lint` is a hook of pre-commit, and there is no other hook."""
    recipe = re.search(r"^lint:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert recipe
    commands = recipe[1].replace("\t", "").replace("$(BIN)", ".venv/bin").splitlines()
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    # pre-commit passes the changed files where `make lint` says the folder.
    assert [hook["entry"] for hook in local["hooks"]] == [
        command.removesuffix(" .") for command in commands
    ]
