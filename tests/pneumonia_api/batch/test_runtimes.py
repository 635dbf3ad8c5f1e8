"""`pneumonia_api.batch.runtimes`: every runtime gives the same answers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from model.reading.xray import model_input, read_xray
from model.serving.predictor import Predictor
from pneumonia_api.batch.runtimes import CpuStreams, GpuBatches
from tests.stack import ROOT

MODEL, SERVING = ROOT / "model" / "artifact", ROOT / "var" / "serving"


def test_runtimes_agree_with_the_predictor(samples: list[Path]) -> None:
    """CPU streams, Keras batches and single uploads give the same answers."""
    inputs = [model_input(read_xray(path.read_bytes())) for path in samples[:5]]
    expected = [Predictor(MODEL, SERVING).infer(image) for image in inputs]
    gpu = GpuBatches(MODEL)
    gpu.batch = 4  # fewer than the images, and one batch is incomplete
    with ThreadPoolExecutor(4) as pool:
        outputs = [
            CpuStreams(MODEL, SERVING, pool).start(inputs)(),
            [*gpu.start(inputs[:3])(), *gpu.start(inputs[3:])()],
        ]
    assert gpu.start([])() == []
    for found in outputs:
        for output, wanted in zip(found, expected, strict=True):
            assert output.logit == pytest.approx(wanted.logit, abs=1e-4)
            np.testing.assert_allclose(output.heatmap, wanted.heatmap, atol=1e-4)
            assert output.distance == pytest.approx(wanted.distance, abs=1e-4)
