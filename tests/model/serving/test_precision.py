"""`model.serving.precision` and `model.serving.trial`: which arithmetic runs, and that it does."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest

from model.reading.xray import model_input, read_xray
from model.serving.artifact import Artifact, ArtifactError, read_artifact
from model.serving.compiled import compile_wide
from model.serving.core import get_core
from model.serving.finding import UncertainBand
from model.serving.golden import Output, read_golden
from model.serving.precision import (
    TOLERANCES,
    PrecisionSetting,
    PrecisionUnavailable,
    Tolerance,
    check_executed,
    list_candidates,
    list_supported,
)
from model.serving.predictor import Predictor
from model.serving.trial import is_close_call
from tests.stack import ROOT
from tests.variant import SERVING, SHIPPED, make_variant, move_threshold

needs_bfloat16 = pytest.mark.skipif(
    "bfloat16" not in list_supported(), reason="this processor does not compute in bfloat16"
)


@pytest.fixture(scope="module")
def shipped() -> Artifact:
    """The metadata of the shipped model."""
    return read_artifact(SHIPPED)


@pytest.fixture(scope="module")
def network(shipped: Artifact) -> openvino.Model:
    """The shipped export."""
    return get_core().read_model(SERVING / shipped.version / "model.xml")


@pytest.fixture
def exact_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rounding is allowed to bfloat16, which it cannot satisfy."""
    names = TOLERANCES["bfloat16"]
    monkeypatch.setitem(TOLERANCES, "bfloat16", dict.fromkeys(names, Tolerance(0, 0)))


@pytest.fixture
def without_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor whose only capability is float32."""
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "INT8"])


@needs_bfloat16
def test_fastest_precision_is_used() -> None:
    """`auto` tries both and takes the one that was faster on the golden X-rays."""
    predictor = Predictor(SHIPPED, SERVING)
    assert [trial.precision for trial in predictor.trials] == ["float32", "bfloat16"]
    assert all(trial.fault is None for trial in predictor.trials)
    assert predictor.precision == min(predictor.trials, key=lambda trial: trial.seconds).precision


@pytest.mark.parametrize("setting", ["float32", pytest.param("bfloat16", marks=needs_bfloat16)])
def test_setting_pins_the_precision(setting: PrecisionSetting, samples: list[Path]) -> None:
    """Whatever is faster; raw outputs and predictions say which one it was."""
    predictor = Predictor(SHIPPED, SERVING, precision=setting)
    xrays = [read_xray(sample.read_bytes()) for sample in samples]
    # One that is far from every limit, so that nothing is computed again in float32.
    xray = max(xrays, key=lambda xray: predictor.infer(model_input(xray)).logit)
    assert predictor.precision == setting
    assert predictor.infer(model_input(xray)).precision == setting
    assert predictor.predict(xray).precision == setting


@needs_bfloat16
@pytest.mark.usefixtures("exact_bfloat16")
def test_form_outside_its_tolerance_is_not_used() -> None:
    """`auto` falls back to float32 and keeps the reason; bfloat16 as a setting is an error."""
    predictor = Predictor(SHIPPED, SERVING)
    assert predictor.precision == "float32"
    _, tried = predictor.trials
    assert "answers the golden X-rays otherwise" in str(tried.fault)
    with pytest.raises(ArtifactError, match="in bfloat16 answers the golden X-rays otherwise"):
        Predictor(SHIPPED, SERVING, precision="bfloat16")


@pytest.mark.usefixtures("without_bfloat16")
def test_processor_without_bfloat16_runs_float32() -> None:
    """`auto` and `float32` try nothing else; `bfloat16` is refused by name."""
    assert list_candidates("auto") == list_candidates("float32") == ["float32"]
    with pytest.raises(PrecisionUnavailable, match="does not compute in bfloat16"):
        list_candidates("bfloat16")


def test_silent_fall_back_is_refused(network: openvino.Model) -> None:
    """What the kernels compute counts, not what was asked for: here OpenVINO was asked for f32."""
    compiled = get_core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    check_executed(compiled, "float32")
    with pytest.raises(PrecisionUnavailable, match="in f32 where bfloat16 was asked for"):
        check_executed(compiled, "bfloat16")


@needs_bfloat16
def test_bfloat16_is_executed(network: openvino.Model) -> None:
    """All convolutions, in a compiled network that was asked for it."""
    compiled = compile_wide(network, 1, "bfloat16").get_compiled_model()
    check_executed(compiled, "bfloat16")
    with pytest.raises(PrecisionUnavailable, match="in bf16 where float32 was asked for"):
        check_executed(compiled, "float32")


def run_restricted(isa: str) -> list[str]:
    """The precisions tried and used by a predictor in a process with fewer instructions."""
    code = (
        "from model.serving.predictor import Predictor\n"
        "from tests.variant import SERVING, SHIPPED\n"
        "predictor = Predictor(SHIPPED, SERVING)\n"
        "print(*(trial.precision for trial in predictor.trials if not trial.fault))\n"
        "print(predictor.precision)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": isa},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


@needs_bfloat16
def test_processor_with_avx2_alone_runs_float32() -> None:
    """Even where OpenVINO lists bfloat16 as a capability: its kernels are missing."""
    assert run_restricted("AVX2") == ["float32", "float32"]


def probability(artifact: Artifact, logit: float) -> float:
    """The calibrated probability of a logit."""
    calibrated = artifact.calibration.scale * logit + artifact.calibration.offset
    return float(1 / (1 + np.exp(-calibrated)))


@pytest.mark.parametrize(
    ("limits", "precision"),
    [
        (
            lambda artifact, output: move_threshold(artifact, probability(artifact, output.logit)),
            "float32",
        ),
        (
            lambda artifact, output: replace(
                artifact, uncertain=UncertainBand(probability(artifact, output.logit), 0.9)
            ),
            "float32",
        ),
        (
            lambda artifact, output: replace(
                move_threshold(artifact, 0.00001),
                uncertain=UncertainBand(0.00001, probability(artifact, output.logit)),
            ),
            "float32",
        ),
        (
            lambda artifact, output: replace(
                artifact, ood=replace(artifact.ood, warning=output.distance)
            ),
            "float32",
        ),
        (
            lambda artifact, output: replace(
                artifact,
                ood=replace(artifact.ood, limit=output.distance, warning=output.distance / 2),
            ),
            "float32",
        ),
        (lambda artifact, _: artifact, "bfloat16"),
    ],
)
@needs_bfloat16
def test_close_call_is_computed_again_in_float32(
    tmp_path: Path,
    shipped: Artifact,
    limits: Callable[[Artifact, Output], Artifact],
    precision: str,
) -> None:
    """With threshold, band, warning or refusal exactly at the answer; not with those shipped."""
    bfloat16 = Predictor(SHIPPED, SERVING, precision="bfloat16")
    images = read_golden(SHIPPED, shipped).inputs.astype(np.float32)
    # The one that is farthest from the limits that are shipped.
    image = min(images, key=lambda image: bfloat16.infer(image).logit)
    output = bfloat16.infer(image)
    made = make_variant(tmp_path, lambda artifact: limits(artifact, output))
    predictor = Predictor(made.artifact, made.serving, precision="bfloat16")
    assert predictor.confirm(image).precision == precision
    reference = Predictor(made.artifact, made.serving, precision="float32").infer(image)
    if precision == "float32":
        assert predictor.confirm(image).logit == reference.logit


def test_float32_is_never_computed_again(shipped: Artifact) -> None:
    """It is the reference, however close to a limit it is."""
    output = Output(0.0, np.zeros((14, 14)), shipped.ood.limit, "float32")
    assert not is_close_call(shipped, output)
    assert is_close_call(shipped, output._replace(precision="bfloat16"))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_answer_that_is_no_number_is_within_no_tolerance(wrong: float) -> None:
    """NaN compares false with everything."""
    assert not Tolerance(1, 1).allows([1.0, 2.0], [1.0, wrong])


@needs_bfloat16
def test_both_precisions_decide_alike(samples: list[Path]) -> None:
    """Decision, finding, refusal and warning; probability and heat map are close."""
    reference, fast = (
        Predictor(SHIPPED, SERVING, precision=name) for name in ("float32", "bfloat16")
    )
    for path in samples:
        xray = read_xray(path.read_bytes())
        wanted, given = reference.predict(xray), fast.predict(xray)
        for name in ("decision", "finding", "threshold", "model", "refusal", "warning"):
            assert getattr(given, name) == getattr(wanted, name), path.name
        assert given.probability == pytest.approx(wanted.probability, abs=0.02)
        np.testing.assert_allclose(given.heatmap, wanted.heatmap, atol=0.1)
