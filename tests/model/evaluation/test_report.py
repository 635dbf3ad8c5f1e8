"""`model.evaluation.report`: the shipped figures measured again, and one small report."""

import json
import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.evaluation.baselines import measure_baselines
from model.evaluation.card import PLOTS
from model.evaluation.external import predict_files, predict_xrays
from model.evaluation.report import check_report, compare_scores, write_report
from model.evaluation.report_file import External, read_report_file, write_report_file
from model.evaluation.robustness import CHANGES
from model.evaluation.scores import score_predictions
from model.reading import dataset as data
from model.reading.labels import CLASSES
from model.reading.xray import XrayImage
from model.serving.artifact import ArtifactError
from model.serving.predictor import Predictor
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"


def test_figures_measured_again_are_those_on_record(predictor: Predictor, xray_data: Path) -> None:
    """Every figure of the official test in pneumonia.json and report.json, intervals too."""
    artifact = predictor.artifact
    xrays = data.list_xrays(xray_data / "kermany224" / "test")
    scores = asdict(
        score_predictions(
            predict_xrays(predictor, xrays)[0],
            artifact.threshold,
            artifact.training["arguments"]["seed"],
        )
    )
    assert compare_scores(artifact.scores["test"], scores) == []
    report = json.loads((SHIPPED / "report.json").read_text())
    assert compare_scores(report["test"]["scores"], scores) == []


def test_shipped_report_agrees_with_the_artifact(predictor: Predictor) -> None:
    """The same version, and the same figures of the official test."""
    report = read_report_file(SHIPPED / "report.json")
    assert report.version == predictor.artifact.version
    assert check_report(predictor.artifact, report) == []


def test_report_that_is_read_and_written_again_is_the_same(tmp_path: Path) -> None:
    """Byte for byte: no field is renamed, reordered, rounded or lost."""
    write_report_file(read_report_file(SHIPPED / "report.json"), tmp_path)
    assert (tmp_path / "report.json").read_bytes() == (SHIPPED / "report.json").read_bytes()


def test_incomplete_report_is_refused(tmp_path: Path) -> None:
    """A report of an earlier release is named in one sentence, with the command to make it."""
    (tmp_path / "report.json").write_text('{"version": "another"}')
    with pytest.raises(ArtifactError, match=r"not a complete report; make a new one with"):
        read_report_file(tmp_path / "report.json")


def test_shipped_model_gives_both_decisions_on_validation(
    predictor: Predictor, xray_data: Path
) -> None:
    """Of 20 held-out children of each class, most are classified correctly."""
    arguments = predictor.artifact.training["arguments"]
    _, validation = data.split_by_patient(
        data.list_xrays(xray_data / "kermany224" / "train"),
        arguments["validation_share"],
        arguments["seed"],
    )
    for label, name in enumerate(CLASSES):
        some = [xray.path for xray in validation if xray.label == label][:20]
        called = predict_files(predictor, some) >= predictor.artifact.threshold
        decisions = Counter(CLASSES[int(one)] for one in called)
        assert decisions[name] >= 16, decisions


def test_difference_is_named() -> None:
    """A changed figure is reported by name; two units of the last decimal are tolerated."""
    stored = {"images": 624, "auc_roc": [0.976, 0.965, 0.986], "confusion": {"true_positive": 386}}
    moved = {"images": 624, "auc_roc": [0.9762, 0.965, 0.986], "confusion": {"true_positive": 385}}
    assert compare_scores(stored, stored) == []
    assert compare_scores(stored, moved) == ["confusion true_positive"]
    assert compare_scores(stored, {**stored, "auc_roc": [0.977, 0.965, 0.986]}) == ["auc_roc"]


def test_small_report_is_complete(
    predictor: Predictor, samples: list[Path], tmp_path: Path
) -> None:
    """Sixteen real X-rays as train and test, without the other sets: all files, no NaN."""
    folder = tmp_path / "data"
    for split in ("train", "test"):
        for sample in samples:
            name = "PNEUMONIA" if sample.name.startswith("person") else "NORMAL"
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(sample, folder / split / name / sample.name)
    out = tmp_path / "out"
    report = write_report(predictor, folder, out, resamples=20)
    assert read_report_file(out / "report.json") == report
    assert report.test.scores.images == 16
    assert set(report.test.robustness) == set(CHANGES)
    assert report.external == External(None, None, None, None)
    for name in (*PLOTS, "gallery/missed.png", "gallery/false_alarms.png"):
        assert (out / name).stat().st_size > 1000, name
    assert check_report(predictor.artifact, report) != []  # these are not the official test


@pytest.mark.parametrize("name", CHANGES)
def test_change_is_mild_and_leaves_the_original(name: str) -> None:
    """Each change alters pixels a little, and leaves the original image as it is."""
    ramp = np.add.outer(np.arange(224), np.arange(224))
    xray = XrayImage((ramp // 2 + 40 * (ramp % 9 == 0)).clip(0, 255).astype(np.uint8), 224, 224, ())
    before = xray.pixels.copy()
    changed = CHANGES[name](xray).pixels
    assert np.array_equal(xray.pixels, before)
    assert changed.dtype == np.uint8
    assert changed.ndim == 2
    removed = name == "black border of a tenth"  # by the reader, from a film without dark edges
    assert removed == np.array_equal(changed, before)
    same_size = np.asarray(Image.fromarray(changed).resize((224, 224)), float)
    assert np.abs(same_size - before).mean() < 40


def test_classes_are_separable_by_file_properties(tmp_path: Path) -> None:
    """Normal images twice as wide as pneumonias: size and byte count give an AUC of 1."""
    random = np.random.default_rng(0)
    for folder in ("set/train", "set/test", "originals"):
        for name, stem, width in (
            ("NORMAL", "IM-{:04d}-0001", 400),
            ("PNEUMONIA", "person{}_virus_1", 200),
        ):
            (tmp_path / folder / name).mkdir(parents=True)
            for index in range(6):
                pixels = random.integers(0, 255, (200, width + 10 * index), np.uint8)
                file = tmp_path / folder / name / f"{stem.format(index)}.png"
                Image.fromarray(pixels).save(file)
    found = measure_baselines(tmp_path / "set", tmp_path / "originals", 20)
    assert found["image_size"].auc_roc.value == 1
    assert found["file_bytes"].auc_roc.value == 1
    assert found["image_size"].images == 12
    alone = measure_baselines(tmp_path / "set", tmp_path / "none", 20)
    assert list(alone) == ["file_bytes"]


def test_unreadable_file_has_no_probability(predictor: Predictor, tmp_path: Path) -> None:
    """NaN, so that it counts as refused and not as normal."""
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no more")
    assert np.isnan(predict_files(predictor, [tmp_path / "broken.png"])).all()
