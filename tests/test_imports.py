"""The floor plan: import-linter finds an import that does not run downward."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import ROOT

PACKAGES = ("local", "model", "monitoring", "pneumonia_api", "pneumonia_web", "webserver")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the project and its contracts, to be changed."""
    folder = tmp_path_factory.mktemp("house")
    only_code = shutil.ignore_patterns("__pycache__", "artifact", "golden_xrays", "static")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=only_code)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """`lint-imports` as `make lint` runs it, on the code in `folder` alone."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_code_keeps_to_the_plan(house: Path) -> None:
    """No import runs upward."""
    assert lint(house).returncode == 0


@pytest.mark.parametrize(
    ("module", "wrong", "contract"),
    [
        ("model/reading/grey", "model.serving.artifact", "Imports run downward in model"),
        ("model/reading/headers/tiff", "model.reading.kinds", "Imports run downward in reading"),
        ("model/evaluation/peaks", "model.training.splits", "Imports run downward in model"),
        ("pneumonia_api/records/reviews", "pneumonia_api.worker.life", "downward in pneumonia_api"),
        ("pneumonia_api/worker/life", "pneumonia_api.batch.tally", "downward in pneumonia_api"),
        ("model/training/job", "pneumonia_api.config", "model knows no service"),
        ("monitoring/logs/lines", "model.reading.limits", "monitoring and webserver are ground"),
        ("pneumonia_web/config", "pneumonia_api.config", "The web knows the API only by HTTP"),
        ("pneumonia_api/request", "model.reading.picture", "The API holds no model"),
        ("model/serving/gate", "keras", "need neither Keras nor a service"),
    ],
)
def test_wrong_import_is_found(house: Path, module: str, wrong: str, contract: str) -> None:
    """One line is enough to break the contract, which is named."""
    file = house / f"{module}.py"
    before = file.read_text()
    try:
        file.write_text(f"{before}\nimport {wrong}\n")
        found = lint(house)
    finally:
        file.write_text(before)
    assert found.returncode == 1
    broken = [line for line in found.stdout.splitlines() if " BROKEN" in line]
    assert any(contract in line for line in broken)
