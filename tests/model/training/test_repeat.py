"""`make train` repeats the shipped run: its arguments, data, initial weights and packages."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from model.reading import dataset as data
from model.serving.artifact import WEIGHTS_NAME, Artifact, read_artifact, sha256_of
from model.training.adults import write_adults
from model.training.command_line import parse_settings
from model.training.settings import RunSettings
from model.training.splits import list_sources
from tests.stack import ROOT


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    """The shipped one."""
    return read_artifact(ROOT / "model" / "artifact")


@dataclass(frozen=True)
class Run:
    """One of the runs of `make train`, and what is on record of it."""

    settings: RunSettings
    record: dict[str, Any]


def read_recipe(xray_data: str, artifact: Artifact) -> list[Run]:
    """The runs of `make train` with XRAY_DATA at a place: conv5 on children, then the heads."""
    recipe = re.search(r"^train:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert recipe
    text = recipe[1].replace("\\\n", " ").replace("$(XRAY_DATA)", xray_data)
    settings = []
    for line in text.replace("$(or $(VAR_DIR),var)", "var").splitlines():
        head, found, options = line.strip().partition(" -m model.cnn ")
        assert head.startswith("$(BIN)/python")
        if found:
            settings.append(parse_settings(options.split()))
    first, second = settings
    assert Path(second.weights) == first.out / WEIGHTS_NAME
    return [Run(first, artifact.training["initial"]), Run(second, artifact.training)]


def test_arguments_are_those_on_record(artifact: Artifact) -> None:
    """Every hyperparameter, given or by default, is the one that the shipped runs recorded.

    One that was added later must be off, so that it changes nothing.
    """
    runs = read_recipe("data", artifact)
    for run in runs:
        chosen = json.loads(json.dumps(asdict(run.settings.hyperparameters)))
        recorded = run.record["arguments"]
        assert {name: chosen[name] for name in recorded} == recorded
        assert [name for name in chosen if name not in recorded and chosen[name]] == []
    assert runs[-1].settings.ages == artifact.ages


def test_versions_on_record_are_locked(artifact: Artifact) -> None:
    """The packages that the runs recorded are those that an installation gets on its Python."""
    locked = (ROOT / "requirements.txt").read_text()
    for run in read_recipe("data", artifact):
        for name, version in run.record["versions"].items():
            assert re.search(rf"^{name}=={re.escape(version)}( ;|$)", locked, re.M), name


def test_data_and_weights_are_those_on_record(
    artifact: Artifact, xray_data: Path, tmp_path: Path
) -> None:
    """The same files, labels and patients in the same split, and the same initial weights.

    Those of the second run are what the first one makes, so only their trained layers can tell.
    """
    first, second = read_recipe(str(xray_data), artifact)
    children, adults = xray_data / "kermany224", tmp_path / "adults.csv"
    write_adults(xray_data / "adults_more", adults)
    for run, paths in ((first, [children]), (second, [children, adults])):
        chosen = run.settings.hyperparameters
        xrays, _ = list_sources(paths)
        training, validation = data.split_by_patient(xrays, chosen.validation_share, chosen.seed)
        assert data.digest_xrays(training + validation) == run.record["data_sha256"]
    assert sha256_of(Path(first.settings.weights)) == first.record["initial_weights_sha256"]
    assert second.record["trained_layers"] == []
