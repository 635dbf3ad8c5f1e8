"""`model.evaluation.card`: the card has what was measured, and marks what was not."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from model.evaluation.card import (
    CARD_NAME,
    PLOTS,
    main,
    write_card,
)
from model.evaluation.card_checks import HEATMAPS_PLOT
from model.evaluation.card_tables import show
from model.evaluation.heatmaps_file import HEATMAPS_NAME
from model.evaluation.precisions_file import PRECISIONS_NAME
from model.evaluation.report_file import REPORT_NAME
from model.evaluation.results import ABLATIONS_NAME, RESULT_NAMES
from model.serving.artifact import Artifact, ArtifactError, read_artifact
from tests.stack import ROOT
from tests.variant import move_threshold

SHIPPED = ROOT / "model" / "artifact"


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    """The shipped one."""
    return read_artifact(SHIPPED)


def test_shipped_card_is_what_the_figures_give(artifact: Artifact, tmp_path: Path) -> None:
    """The card was not edited by hand, and has no figure of another version."""
    for name in RESULT_NAMES:
        if (SHIPPED / name).is_file():
            shutil.copy(SHIPPED / name, tmp_path / name)
    write_card(tmp_path, artifact)
    assert (tmp_path / CARD_NAME).read_text() == (SHIPPED / CARD_NAME).read_text()


def test_shipped_card_has_ten_parts_and_its_pictures() -> None:
    """Parts 1 to 10 in order; every plot in it exists."""
    card = (SHIPPED / CARD_NAME).read_text()
    assert re.findall(r"^## (\d+)\. ", card, re.M) == [str(part) for part in range(1, 11)]
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", card)
    checked = [HEATMAPS_PLOT] if (SHIPPED / HEATMAPS_NAME).is_file() else []
    assert sorted(shown) == sorted([*PLOTS, *checked])
    assert all((SHIPPED / name).is_file() for name in shown)
    assert "Not a medical device" in card


def test_nothing_is_claimed_that_was_not_measured(artifact: Artifact, tmp_path: Path) -> None:
    """Without report and ablations, their figures are marked as not measured."""
    write_card(tmp_path, artifact)
    card = (tmp_path / CARD_NAME).read_text()
    for part, end in (
        ("### Why binary cross-entropy", "### Why Adam"),
        ("### Why Adam", "## 6."),
        ("**Subgroups.**", "**Robustness.**"),
        ("**Other origin.**", "**Images that"),
        ("**Arithmetic.**", "**What the file"),
        ("**What the file alone reveals.**", "**Worst errors.**"),
    ):
        assert "Not measured." in card.split(part)[1].split(end)[0], part


def test_ablations_and_refusals_are_shown(artifact: Artifact, tmp_path: Path) -> None:
    """Each is a table or a line when its figures are available."""
    figures = {
        "loss": {"bce": {"auc_roc": [0.9, 0.8, 0.95]}, "focal": {"auc_roc": [0.85, 0.8, 0.9]}},
        "optimizer": {"adam": {"auc_roc": 0.9, "epochs": 9}, "sgd": {"auc_roc": 0.7}},
    }
    (tmp_path / ABLATIONS_NAME).write_text(json.dumps(figures))
    scores = {
        **artifact.scores,
        "ood": {"photographs": {"images": 40, "refused": 38}},
    }
    write_card(tmp_path, replace(artifact, scores=scores))
    card = (tmp_path / CARD_NAME).read_text()
    assert "| focal loss | 0.850 (0.800 to 0.900) |" in card
    assert "| optimizer | AUC (ROC) | epochs |" in card
    assert "| SGD | 0.700 | - |" in card
    assert "| photographs | 40 | 38 |" in card


@pytest.mark.parametrize(
    ("name", "command"),
    [(REPORT_NAME, "report"), (PRECISIONS_NAME, "precisions")],
)
@pytest.mark.parametrize("damaged", [False, True])
def test_figures_of_another_version_are_refused(
    artifact: Artifact, tmp_path: Path, name: str, command: str, damaged: bool
) -> None:
    """A card never mixes two models, and never leaves out what it cannot read."""
    (tmp_path / name).write_text("{" if damaged else (SHIPPED / name).read_text())
    with pytest.raises(ArtifactError, match=rf"python -m model\.evaluation\.{command}"):
        write_card(tmp_path, move_threshold(artifact, 0.5))


def test_command_publishes_report_and_pictures(tmp_path: Path) -> None:
    """`python -m model.evaluation.card` copies the report and its plots into the artifact."""
    folder = tmp_path / "artifact"
    folder.mkdir()
    for name in ("pneumonia.keras", "ood.npz", "pneumonia.json"):
        shutil.copy(SHIPPED / name, folder / name)
    assert main(["--artifact", str(folder), "--report", str(SHIPPED)]) == 0
    assert all((folder / name).is_file() for name in (REPORT_NAME, CARD_NAME, *PLOTS))


def test_command_without_a_report_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without report.json: one line, exit status 1, and nothing is copied."""
    for name in ("pneumonia.keras", "ood.npz", "pneumonia.json"):
        shutil.copy(SHIPPED / name, tmp_path / name)
    assert main(["--artifact", str(tmp_path), "--report", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / CARD_NAME).exists()


def test_undefined_figure_is_a_dash() -> None:
    """A PPV when nobody was called ill."""
    assert show([None, None, None]) == "-"
