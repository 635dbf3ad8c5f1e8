"""`model.training.heatmaps`: the checks of the heat map of the shipped network, on few films."""

from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from model.evaluation.card_checks import HEATMAPS_PLOT, show_heatmap_checks
from model.evaluation.faithfulness import METHODS, OURS
from model.evaluation.heatmap_panels import plot_heatmaps
from model.evaluation.heatmaps_file import (
    HEATMAPS_NAME,
    HeatmapReport,
    read_heatmaps_file,
    write_heatmaps_file,
)
from model.evaluation.plots import trace
from model.network.graph import load_network
from model.network.randomised import STAGES
from model.serving.artifact import WEIGHTS_NAME, ArtifactError
from model.serving.predictor import Predictor
from model.training.heatmaps import check_heatmaps, main
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"


@pytest.fixture(scope="module")
def report(predictor: Predictor, xray_data: Path) -> HeatmapReport:
    """Two pneumonias of each source."""
    network = load_network(SHIPPED / WEIGHTS_NAME)
    return check_heatmaps(predictor, network, xray_data / "kermany224", films=2, resamples=20)


def test_every_check_of_every_source(report: HeatmapReport) -> None:
    """Curves by method, random weights by stage, peaks; two films of two patients each."""
    assert "kermany" in report.groups
    assert len(report.groups) == 3
    for group in report.groups.values():
        assert group.films == group.patients == 2
        for scores in (group.deletion, group.insertion):
            assert tuple(scores.area) == METHODS
            assert OURS not in scores.better
        assert group.peaks
        assert 0 < group.peaks.by_chance < 1
    assert tuple(report.randomised) == STAGES
    assert report.randomised_films == 6


def test_map_of_a_random_network_is_another_one(report: HeatmapReport) -> None:
    """With all weights random the map has less to do with the trained one than with itself."""
    last = report.randomised[STAGES[-1]].value
    assert last is not None
    assert last < 0.9


def test_file_card_and_figure(report: HeatmapReport, tmp_path: Path) -> None:
    """Read again as it was written; shown in the card; the plot names its figures."""
    write_heatmaps_file(report, tmp_path)
    assert read_heatmaps_file(tmp_path / HEATMAPS_NAME) == report
    card = show_heatmap_checks(report)
    assert f"({HEATMAPS_PLOT})" in card
    assert f"| kermany, {OURS} | 2 |" in card
    assert "Not measured." in show_heatmap_checks(None)
    for name in ("one.png", "two.png"):
        plot_heatmaps(report, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.info["Description"] == trace(asdict(report))


def test_incomplete_file_is_refused(tmp_path: Path) -> None:
    """The command that makes a new one is named."""
    (tmp_path / HEATMAPS_NAME).write_text("{}")
    with pytest.raises(ArtifactError, match=r"python -m model\.training\.heatmaps"):
        read_heatmaps_file(tmp_path / HEATMAPS_NAME)


def test_command_without_an_artifact_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One line, exit status 1."""
    assert main(["--artifact", str(tmp_path), "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
