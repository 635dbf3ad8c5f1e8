"""`model.evaluation.coverage`: the figures of a band by group, and the file that keeps them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.evaluation.card_checks import show_coverage, show_groups
from model.evaluation.coverage import assemble, count_errors, cover, main, measure_halves
from model.evaluation.coverage_file import (
    COVERAGE_NAME,
    read_coverage_file,
    write_coverage_file,
)
from model.evaluation.external import Group
from model.evaluation.scores import Predictions
from model.evaluation.sets import list_adults, list_held_out, list_nih_adults, list_splits
from model.reading.ages import AgeBand
from model.reading.dataset import LabelledXray
from model.serving.artifact import Artifact, ArtifactError, read_artifact
from model.serving.finding import UncertainBand
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"
BAND = UncertainBand(0.3, 0.7)


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    """The shipped one, with a band of its own."""
    return replace(read_artifact(SHIPPED), uncertain=BAND)


def make_group(seed: int, patients: int, ages: tuple[AgeBand | None, ...] = (None,)) -> Group:
    """Two films of each patient, half of them ill."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(patients) % 2, 2)
    probabilities = np.clip(random.normal(0.25 + 0.5 * labels, 0.2), 0.001, 0.999)
    names = [f"{number}" for number in np.repeat(np.arange(patients), 2)]
    xrays = [
        LabelledXray(Path(f"{n}.png"), name, int(label), "made", ages[int(name) % len(ages)])
        for n, (name, label) in enumerate(zip(names, labels, strict=True))
    ]
    return Predictions(labels, probabilities, names), xrays


def test_figures_of_one_group() -> None:
    """Six films: one ill below the band, one other above it, two uncertain."""
    predictions = Predictions(
        np.array([1, 1, 1, 0, 0, 0]),
        np.array([0.1, 0.5, 0.9, 0.2, 0.3, 0.7]),  # 0.3 belongs to the band, 0.7 does not
        list("abcdef"),
    )
    found = cover(predictions, BAND, 0, 20)
    assert (found.images, found.pneumonias, found.uncertain) == (6, 3, 2)
    assert found.missed.value == found.alarmed.value == round(1 / 3, 4)
    assert found.share.value == round(1 / 3, 4)
    assert found.sensitivity.value == found.specificity.value == 0.5


def test_group_of_one_class_has_no_figure_of_the_other() -> None:
    """Older children are all normal: sensitivity is undefined, specificity is not."""
    found = cover(
        Predictions(np.zeros(3, int), np.array([0.1, 0.5, 0.9]), list("abc")), BAND, 0, 20
    )
    assert found.missed.value is None
    assert found.sensitivity.value is None
    assert found.specificity.value == 0.5


def test_films_of_a_patient_count_as_one() -> None:
    """A patient with two missed films weighs as much as one with a single film that is found."""
    predictions = Predictions(np.array([1, 1, 1, 0]), np.array([0.1, 0.1, 0.9, 0.1]), list("aabc"))
    assert count_errors(predictions, BAND) == (0.5, 0.0, 0.0)


def test_halves_keep_the_promise() -> None:
    """Patients of one kind: on average the errors are within the one that is promised."""
    half = measure_halves(make_group(1, 400)[0], 0.1, 0.5, 5)
    assert half
    assert half.missed.value is not None
    assert half.alarmed.value is not None
    assert 0.06 < half.missed.value < 0.11
    assert 0.06 < half.alarmed.value < 0.11


def test_half_of_too_few_patients_is_left_out() -> None:
    """An error of 1 % needs 99 patients of each class in each half."""
    assert measure_halves(make_group(1, 300)[0], 0.01, 0.5, 5) is None


def test_report_has_splits_and_ages_and_is_read_again(artifact: Artifact, tmp_path: Path) -> None:
    """The groups are the splits, and the ages of a split that has several; read as written."""
    child, adult = AgeBand(4, 4), AgeBand(40, 40)
    predicted = {"validation": make_group(1, 60), "test": make_group(2, 40, (child, adult, None))}
    report = assemble(artifact, predicted, 20)
    assert report.stored
    assert set(report.stored) == {
        *("validation", "test", "test, age 0-5", "test, age 18-64", "test, age unknown")
    }
    assert report.patients == {"normal": 30, "pneumonia": 30}
    assert [band.error for band in report.conformal] == [0.05, 0.1]
    write_coverage_file(report, tmp_path)
    assert read_coverage_file(tmp_path / COVERAGE_NAME) == report


def test_incomplete_file_is_refused(tmp_path: Path) -> None:
    """The command that makes a new one is named."""
    (tmp_path / COVERAGE_NAME).write_text("{}")
    with pytest.raises(ArtifactError, match=r"python -m model\.evaluation\.coverage"):
        read_coverage_file(tmp_path / COVERAGE_NAME)


def test_card_shows_what_was_measured(artifact: Artifact) -> None:
    """The promise in words, and a row for each group; without a file nothing is claimed."""
    report = assemble(artifact, {"validation": make_group(1, 60)}, 20)
    assert "at most" in show_coverage(report)
    assert "| 0.05, validation |" in show_coverage(report)
    assert str(show_groups(report)).splitlines()[2].startswith("| validation | 120 | 60 |")
    assert "Not measured." in show_coverage(None)
    assert show_groups(None) is None


def test_held_out_xrays_are_those_of_the_run(artifact: Artifact, xray_data: Path) -> None:
    """The validation of the run is of the sources that it records, and of all when they are."""
    folder = xray_data / "kermany224"
    held_out, splits = list_held_out(artifact, folder), list_splits(artifact, folder)
    images = artifact.training["images"]
    assert {name: len(xrays) for name, xrays in splits.items()} == {
        "training": images["train"],
        "validation": images["validation"],
    }
    assert {xray.source for xray in held_out} > {"kermany", "hannover"}
    alone = replace(artifact, training={**artifact.training, "sources": ["kermany"]})
    assert {xray.source for xray in list_splits(alone, folder)["validation"]} == {"kermany"}
    assert list_held_out(alone, folder) == held_out


def test_other_sets_are_read_with_their_labels(xray_data: Path) -> None:
    """Only names and labels: both classes of one source, and normal children alone."""
    adults = list_nih_adults(xray_data / "nih_adults")
    assert {xray.label for xray in adults} == {0, 1}
    children = list_adults(xray_data / "older_children")
    assert {xray.label for xray in children} == {0}
    assert all(xray.path.is_file() for xray in adults + children)


def test_command_without_data_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A folder that is no artifact: one line, exit status 1."""
    assert main(["--artifact", str(tmp_path), "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
