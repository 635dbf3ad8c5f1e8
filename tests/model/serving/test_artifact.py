"""`model.serving.artifact`: the shipped model, and how broken ones are refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from model.serving.artifact import (
    METADATA_NAME,
    OOD_NAME,
    WEIGHTS_NAME,
    ArtifactError,
    read_artifact,
    write_metadata,
)
from model.serving.finding import UncertainBand
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped artifact that a test may break."""
    for name in (WEIGHTS_NAME, OOD_NAME, METADATA_NAME):
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


def test_shipped_artifact_meets_its_floor() -> None:
    """Test AUC at least 0.975 and sensitivity at least 0.95 at the stored threshold."""
    scores = read_artifact(SHIPPED).scores["test"]
    assert scores["images"] == 624
    assert scores["auc_roc"][0] >= 0.975
    assert scores["sensitivity"][0] >= 0.95


def test_shipped_files_fit_into_the_repository() -> None:
    """Each file is under 50 MB."""
    assert all(file.stat().st_size < 50_000_000 for file in SHIPPED.iterdir())


def test_changed_threshold_is_another_version() -> None:
    """Everything that can change an answer is part of the version."""
    artifact = read_artifact(SHIPPED)
    assert replace(artifact, threshold=0.5).version != artifact.version


def test_missing_file_is_refused_in_one_sentence(copy: Path) -> None:
    """The sentence names the file and what to do."""
    (copy / WEIGHTS_NAME).unlink()
    with pytest.raises(ArtifactError, match=r"missing .*pneumonia\.keras; train one"):
        read_artifact(copy)


def test_weights_of_another_run_are_refused(copy: Path) -> None:
    """Weights never run with the threshold of another model."""
    with (copy / WEIGHTS_NAME).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ArtifactError, match="do not belong together"):
        read_artifact(copy)


def test_metadata_with_a_field_too_few_is_refused(copy: Path) -> None:
    """A missing threshold is an error when the model is loaded, not at the first X-ray."""
    values = json.loads((copy / METADATA_NAME).read_text())
    del values["threshold"]
    (copy / METADATA_NAME).write_text(json.dumps(values))
    with pytest.raises(ArtifactError, match="must have exactly"):
        read_artifact(copy)


def change(copy: Path, path: str, value: object) -> None:
    """Change a value of the metadata; `path` is separated by dots."""
    values = json.loads((copy / METADATA_NAME).read_text())
    *parents, name = path.split(".")
    part = values
    for parent in parents:
        part = part[parent]
    part[name] = value
    (copy / METADATA_NAME).write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("threshold", "0.4"),
        ("threshold", True),
        ("threshold", 0),
        ("threshold", 1.5),
        ("threshold", None),
        ("calibration.scale", 0),
        ("calibration.offset", [0.1]),
        ("calibration.prevalence", 1),
        ("ood.limit", "3"),
        ("ood.warning", 4.0),
        ("ood.warning", -1),
        ("heatmap_reference", -0.1),
        ("classes", ["pneumonia", "normal"]),
        ("classes", ["normal", "covid"]),
        ("classes", "normal"),
        ("input_side", 224.0),
        ("input_side", 100),
        ("input_side", 0),
        ("scores", []),
        ("scores.test", None),
        ("scores.validation.auc_roc", 0.99),
        ("scores.test.sensitivity", [0.9, 0.8]),
        ("scores.test.brier", [0.1, True, 0.2]),
        ("scores.test.images", 624.0),
        ("scores.test.patients", -1),
        ("scores.test.confusion", {"true_positive": 1}),
        ("scores.ood", []),
        ("scores.ood.official test", {"images": 624}),
        ("ages.youngest", "1"),
        ("ages.youngest", 121),
        ("ages.youngest", -1),
        ("ages.oldest", 120.0),
        ("ages.oldest", 121),
        ("uncertain.low", 0.5),
        ("uncertain.low", 0),
        ("uncertain.low", None),
        ("uncertain.high", 0.3),
        ("uncertain.high", 1),
        ("training", None),
        ("weights_sha256", "ED2554"),
        ("ood_sha256", 5),
    ],
)
def test_metadata_of_another_type_or_range_is_refused(copy: Path, path: str, value: object) -> None:
    """When the model is loaded, and with the name of the field, or of the pair that must fit."""
    change(copy, path, value)
    name = path.split(".", maxsplit=1)[0] if path.startswith(("ages", "uncertain")) else path
    with pytest.raises(ArtifactError, match=f"^{name} in .* cannot be used"):
        read_artifact(copy)


@pytest.mark.parametrize(
    "path", ["threshold", "calibration.offset", "ood.limit", "uncertain.high", "scores.test.brier"]
)
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(copy: Path, path: str, number: str) -> None:
    """Every comparison with NaN is false, so nothing would be refused or called pneumonia."""
    change(copy, path, "NUMBER")
    text = (copy / METADATA_NAME).read_text().replace('"NUMBER"', number)
    (copy / METADATA_NAME).write_text(text)
    with pytest.raises(ArtifactError, match=r"not valid JSON|cannot be used"):
        read_artifact(copy)


@pytest.mark.parametrize("field", ["calibration", "ood", "ages", "uncertain"])
def test_fields_within_a_field_are_named(copy: Path, field: str) -> None:
    """Unknown and missing fields inside a field are refused."""
    change(copy, field, {"limit": 1.0, "other": 2.0})
    with pytest.raises(ArtifactError, match=f"^{field} in .* must have exactly: "):
        read_artifact(copy)
    change(copy, field, None)
    with pytest.raises(ArtifactError, match=f"^{field} in .* must have exactly: "):
        read_artifact(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff", "[" * 100_000])
def test_metadata_that_is_no_json_object_is_refused(copy: Path, text: str) -> None:
    """Metadata that is truncated, not an object, or not text is refused."""
    (copy / METADATA_NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(ArtifactError, match=r"not valid JSON|must have exactly"):
        read_artifact(copy)


def test_shipped_version_stays(copy: Path) -> None:
    """The version is quoted in the card and documentation; rewriting the metadata keeps it."""
    artifact = read_artifact(SHIPPED)
    assert artifact.version == "455e593bd960"
    write_metadata(copy, artifact)
    assert (copy / METADATA_NAME).read_bytes() == (SHIPPED / METADATA_NAME).read_bytes()


def test_artifact_of_an_earlier_release_keeps_its_version(copy: Path) -> None:
    """It has no ages and no uncertain band, is read all the same, and is written as it was."""
    values = json.loads((copy / METADATA_NAME).read_text())
    del values["ages"], values["uncertain"]
    earlier = json.dumps(values, indent=2, sort_keys=True) + "\n"
    (copy / METADATA_NAME).write_text(earlier)
    artifact = read_artifact(copy)
    assert (artifact.ages, artifact.uncertain) == (None, None)
    assert artifact.version == "77c3d246c13a"
    write_metadata(copy, artifact)
    assert (copy / METADATA_NAME).read_text() == earlier


def test_what_could_not_be_read_again_is_not_written(copy: Path) -> None:
    """The artifact in the folder stays as it is."""
    before = (copy / METADATA_NAME).read_bytes()
    with pytest.raises(ArtifactError, match=r"^uncertain in .* cannot be used"):
        write_metadata(copy, replace(read_artifact(copy), uncertain=UncertainBand(0.9, 0.95)))
    assert (copy / METADATA_NAME).read_bytes() == before


@pytest.mark.parametrize("trained_at", ["yesterday", "2026-05-04T10:00:00", 1777888800])
def test_unclear_time_of_training_is_refused(copy: Path, trained_at: object) -> None:
    """It becomes a metric when a worker switches models, which must not fail."""
    values = json.loads((copy / METADATA_NAME).read_text())
    values["training"]["trained_at"] = trained_at
    (copy / METADATA_NAME).write_text(json.dumps(values))
    with pytest.raises(ArtifactError, match="not a time in ISO 8601 with its zone"):
        read_artifact(copy)
