"""`model.serving.gate` and `model.serving.golden`: what a model must prove before it is served."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.serving.artifact import Artifact, ArtifactError, OodLimits, read_artifact
from model.serving.gate import compare_figures, find_faults
from model.serving.golden import (
    GOLDEN_NAME,
    Golden,
    Output,
    check_answers,
    check_decisions,
    list_images,
    read_golden,
    write_golden,
)
from model.serving.precision import TOLERANCES, Tolerance, list_supported
from model.serving.predictor import Predictor
from tests.variant import SERVING, SHIPPED, make_variant, move_threshold


@pytest.fixture(scope="module")
def shipped() -> Artifact:
    """The metadata of the shipped model."""
    return read_artifact(SHIPPED)


def rescore(artifact: Artifact, split: str, **figures: Any) -> Artifact:
    """The same metadata with other figures."""
    scores = {**artifact.scores, split: {**artifact.scores[split], **figures}}
    return replace(artifact, scores=scores)


def test_shipped_model_passes(shipped: Artifact) -> None:
    """It passes when nothing is in service, and when it is in service itself."""
    assert find_faults(SHIPPED, SERVING, None) == []
    assert compare_figures(shipped, shipped) == []


@pytest.mark.parametrize(
    ("split", "figures", "sentence"),
    [
        ("test", {"sensitivity": [0.98, 0.96, 1.0]}, "sensitivity of test is 0.98, in service"),
        ("test", {"specificity": [0.7, 0.65, 0.75]}, "specificity of test is 0.7, in service"),
        ("test", {"auc_roc": [0.97, 0.96, 0.98]}, "auc_roc of test is 0.97, in service"),
        ("test", {"brier": [0.08, 0.07, 0.09]}, "brier of test is 0.08, in service"),
        ("validation", {"auc_roc": [0.5, 0.4, 0.6]}, "auc_roc of validation is 0.5, in service"),
        ("test", {"images": 4}, "tested on 4 X-rays, the model in service on 624"),
        ("test", {"images": None}, "tested on 0 X-rays, the model in service on 624"),
        ("test", {"auc_roc": None}, "records no auc_roc of test"),
        ("test", {"auc_roc": [2, 1, 3]}, "records no auc_roc of test"),
        ("test", {"auc_roc": [0.9, 0.95, 0.97]}, "records no auc_roc of test"),
    ],
)
def test_worse_figures_are_refused(
    shipped: Artifact, split: str, figures: dict[str, Any], sentence: str
) -> None:
    """Figures below the interval of the model in service, of fewer X-rays, or missing."""
    [fault] = compare_figures(rescore(shipped, split, **figures), shipped)
    assert sentence in fault


@pytest.mark.parametrize("field", ["ages", "uncertain"])
def test_candidate_without_ages_or_band_is_refused(shipped: Artifact, field: str) -> None:
    """A model that is served already may lack them; a new one may not."""
    earlier = replace(shipped, **{field: None})
    [fault] = compare_figures(earlier, shipped)
    assert "add them with `python -m model.evaluation.uncertain`" in fault
    assert compare_figures(shipped, earlier) == []


def test_figures_within_the_interval_pass(shipped: Artifact) -> None:
    """Slightly worse figures may be chance, and better ones pass."""
    figures = {"sensitivity": [0.988, 0.98, 1.0], "specificity": [0.9, 0.85, 0.95]}
    assert compare_figures(rescore(shipped, "test", **figures), shipped) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda artifact: move_threshold(artifact, 0.999), "none of the pneumonia golden"),
        (lambda artifact: move_threshold(artifact, 0.001), "none of the normal golden"),
        (lambda artifact: replace(artifact, ood=OodLimits(0.1, 0.1)), "refuses 8 of 8 golden"),
    ],
)
def test_one_answer_to_all_is_refused(
    tmp_path: Path, change: Callable[[Artifact], Artifact], sentence: str
) -> None:
    """The network is right, but with this threshold it always decides the same."""
    made = make_variant(tmp_path, change)
    [fault] = find_faults(made.artifact, made.serving, None)
    assert sentence in fault


def test_classes_the_wrong_way_round_are_refused(shipped: Artifact) -> None:
    """With all signs swapped, some decisions are right, but pneumonias do not score higher."""
    golden = read_golden(SHIPPED, shipped)
    logits = golden.logits.copy()
    logits[[0, 4]] = (-3.0, 3.0)
    logits[[1, 2, 3]], logits[[5, 6, 7]] = 9.0, -9.0
    outputs = [Output(logit, np.zeros((14, 14)), 1.0, "float32") for logit in logits]
    with pytest.raises(ArtifactError, match="no higher a probability than normal ones"):
        check_decisions(shipped, golden.labels, outputs)


def test_export_that_answers_otherwise_is_refused(tmp_path: Path, shipped: Artifact) -> None:
    """An export of another network of the same shape; here, the recorded logits differ."""
    made = make_variant(tmp_path, lambda artifact: artifact)
    golden = read_golden(SHIPPED, shipped)
    (made.artifact / GOLDEN_NAME).unlink()
    write_golden(made.artifact, replace(golden, logits=golden.logits + 0.05))
    with pytest.raises(ArtifactError, match=r"the logit of number 1 differs by 0\.05"):
        Predictor(made.artifact, made.serving)
    [fault] = find_faults(made.artifact, made.serving, None)
    assert "answers the golden X-rays otherwise" in fault


@pytest.mark.skipif(
    "bfloat16" not in list_supported(), reason="this processor does not compute in bfloat16"
)
def test_every_precision_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is right in float32 alone is refused: another worker may run it in bfloat16."""
    exact = dict.fromkeys(TOLERANCES["bfloat16"], Tolerance(0, 0))
    monkeypatch.setitem(TOLERANCES, "bfloat16", exact)
    [fault] = find_faults(SHIPPED, SERVING, None)
    assert "in bfloat16 answers the golden X-rays otherwise" in fault


def test_every_output_is_compared(shipped: Artifact) -> None:
    """One wrong number in one X-ray is detected, NaN included."""
    golden = read_golden(SHIPPED, shipped)
    predictor = Predictor(SHIPPED, SERVING, precision="float32")
    outputs = [predictor.infer(image) for image in golden.inputs.astype(np.float32)]
    check_answers(golden, outputs, "The export")
    for name in ("logit", "heatmap", "distance"):
        for wrong in (0.05, np.nan, np.inf):
            one = outputs[3]._replace(**{name: getattr(outputs[3], name) + wrong})
            with pytest.raises(ArtifactError, match="otherwise than the trained network"):
                check_answers(golden, [*outputs[:3], one, *outputs[4:]], "The export")


@pytest.mark.parametrize(
    "damage",
    [
        lambda golden: replace(golden, labels=np.ones(8, int)),
        lambda golden: replace(golden, logits=golden.logits[:3]),
        lambda golden: replace(golden, logits=golden.logits * np.nan),
        lambda golden: replace(golden, inputs=golden.inputs[:, :64, :64]),
    ],
)
def test_golden_answers_that_prove_nothing_are_refused(
    tmp_path: Path, shipped: Artifact, damage: Callable[[Golden], Golden]
) -> None:
    """Recorded answers of one class, another count or size, or that are not finite."""
    write_golden(tmp_path, damage(read_golden(SHIPPED, shipped)))
    with pytest.raises(ArtifactError, match="no answers to golden X-rays of both classes"):
        read_golden(tmp_path, shipped)


@pytest.mark.parametrize("data", [None, b"", b"PK\x03\x04", b"x" * 100])
def test_golden_file_that_is_damaged_is_refused(
    tmp_path: Path, shipped: Artifact, data: bytes | None
) -> None:
    """A file that is missing, empty, truncated or of another format."""
    if data is not None:
        (tmp_path / GOLDEN_NAME).write_bytes(data)
    with pytest.raises(ArtifactError, match=r"golden\.npz is (missing|damaged)"):
        read_golden(tmp_path, shipped)


def test_golden_images_are_both_classes_without_metadata() -> None:
    """Four of each class, in files that hold only pixels."""
    assert [label for _, label in list_images()] == [0] * 4 + [1] * 4
    for path, _ in list_images():
        data = path.read_bytes()
        assert not [kind for kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME") if kind in data]
