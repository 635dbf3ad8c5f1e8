"""`make train` repeats the shipped run: its arguments, data, initial weights and packages."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from model.reading import dataset as data
from model.serving.artifact import Artifact, read_artifact, sha256_of
from model.training.command_line import parse_settings
from model.training.settings import RunSettings
from tests.stack import ROOT


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    """The shipped one."""
    return read_artifact(ROOT / "model" / "artifact")


def read_recipe(xray_data: str) -> RunSettings:
    """The settings of `make train` with XRAY_DATA at a place."""
    recipe = re.search(r"^train:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert recipe
    line = " ".join(recipe[1].replace("\\\n", " ").split())
    command = line.replace("$(XRAY_DATA)", xray_data).replace("$(or $(VAR_DIR),var)", "var")
    head, _, options = command.partition(" -m model.cnn ")
    assert head == "$(BIN)/python"
    return parse_settings(options.split())


def test_arguments_are_those_on_record(artifact: Artifact) -> None:
    """Every hyperparameter, given or by default, is the one that the shipped run recorded."""
    settings = read_recipe("data")
    chosen = json.loads(json.dumps(asdict(settings.hyperparameters)))
    assert chosen == artifact.training["arguments"]
    assert settings.ages == artifact.ages


def test_versions_on_record_are_locked(artifact: Artifact) -> None:
    """The packages that the run recorded are those that an installation gets on its Python."""
    locked = (ROOT / "requirements.txt").read_text()
    for name, version in artifact.training["versions"].items():
        assert re.search(rf"^{name}=={re.escape(version)}( ;|$)", locked, re.M), name


def test_data_and_weights_are_those_on_record(artifact: Artifact, xray_data: Path) -> None:
    """The same files, labels and patients in the same split, and the same initial weights."""
    settings = read_recipe(str(xray_data))
    chosen = settings.hyperparameters
    xrays = [xray for folder in settings.data for xray in data.list_xrays(folder / "train")]
    training, validation = data.split_by_patient(xrays, chosen.validation_share, chosen.seed)
    assert data.digest_xrays(training + validation) == artifact.training["data_sha256"]
    assert sha256_of(Path(settings.weights)) == artifact.training["initial_weights_sha256"]
