"""`pneumonia_api.batch.runtimes`: every runtime gives the same answers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from model.reading.xray import model_input, read_xray
from model.serving.artifact import OodLimits
from model.serving.precision import TOLERANCES, PrecisionSetting, list_supported
from model.serving.predictor import Predictor
from pneumonia_api.batch.runtimes import CpuStreams, GpuBatches
from pneumonia_api.config import Precision
from tests.stack import ROOT
from tests.variant import make_variant

MODEL, SERVING = ROOT / "model" / "artifact", ROOT / "var" / "serving"


def test_runtimes_agree_with_the_predictor(samples: list[Path]) -> None:
    """CPU streams, Keras batches and single uploads give the same answers in float32."""
    inputs = [model_input(read_xray(path.read_bytes())) for path in samples[:5]]
    predictor = Predictor(MODEL, SERVING, precision="float32")
    expected = [predictor.infer(image) for image in inputs]
    gpu = GpuBatches(MODEL)
    gpu.batch = 4  # fewer than the images, and one batch is incomplete
    with ThreadPoolExecutor(4) as pool:
        outputs = [
            CpuStreams(MODEL, SERVING, pool, "float32").start(inputs)(),
            [*gpu.start(inputs[:3])(), *gpu.start(inputs[3:])()],
        ]
    assert gpu.start([])() == []
    for found in outputs:
        for output, wanted in zip(found, expected, strict=True):
            assert output.logit == pytest.approx(wanted.logit, abs=1e-4)
            np.testing.assert_allclose(output.heatmap, wanted.heatmap, atol=1e-4)
            assert output.distance == pytest.approx(wanted.distance, abs=1e-4)


@pytest.mark.skipif(
    "bfloat16" not in list_supported(), reason="this processor does not compute in bfloat16"
)
def test_streams_in_bfloat16_answer_as_the_worker(tmp_path: Path, samples: list[Path]) -> None:
    """Within the tolerance; float32 answers close calls, of which the first X-ray is one here."""
    inputs = [model_input(read_xray(path.read_bytes())) for path in samples[:5]]
    distance = Predictor(MODEL, SERVING, precision="float32").infer(inputs[0]).distance
    limits = OodLimits(limit=100.0, warning=distance)
    made = make_variant(tmp_path, lambda artifact: replace(artifact, ood=limits))
    worker = Predictor(made.artifact, made.serving, precision="bfloat16")
    with ThreadPoolExecutor(4) as pool:
        streams = CpuStreams(made.artifact, made.serving, pool, "bfloat16")
        found = streams.start(inputs)()
    wanted = [worker.confirm(image) for image in inputs]
    assert streams.precision == "bfloat16"
    assert [output.precision for output in found] == [output.precision for output in wanted]
    assert found[0].precision == "float32"
    assert "bfloat16" in {output.precision for output in found}
    for output, expected in zip(found, wanted, strict=True):
        for name, tolerance in TOLERANCES[output.precision].items():
            assert tolerance.allows(getattr(expected, name), getattr(output, name)), name


def test_setting_is_the_one_of_the_predictor() -> None:
    """The services name the same precisions as the model, which the API must not import."""
    assert get_args(Precision) == get_args(PrecisionSetting)
