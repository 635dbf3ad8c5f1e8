"""One runtime with the serving network in it, one side of the comparison of runtimes.

    python -m tests.bench.runtimes auto MODEL_DIR SERVING_DIR INPUTS.npy
    python -m tests.bench.runtimes float32 MODEL_DIR SERVING_DIR INPUTS.npy
    python -m tests.bench.runtimes logit MODEL_DIR SERVING_DIR INPUTS.npy
    python -m tests.bench.runtimes onnxruntime MODEL.onnx INPUTS.npy

Answers `{"count": 20}` with the seconds and the logit of each inference, one image at a time.
`auto` and `float32` are settings of the precision: OpenVINO as the service runs it, by
`Predictor.infer`. ONNX Runtime gets the same threads and the same fixed input shape; `logit` is
OpenVINO in float32 without heat map and distance.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import openvino

from model.serving.artifact import read_artifact
from model.serving.core import get_core
from model.serving.predictor import Predictor, open_network
from tests.bench.sides import serve

Infer = Callable[[np.ndarray], tuple[Any, ...]]


def open_onnx(file: Path) -> Infer:
    """The counterpart of `Predictor.infer`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    first = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).get_inputs()[0]
    if isinstance(first.shape[0], str):
        options.add_free_dimension_override_by_name(first.shape[0], 1)
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def infer(image: np.ndarray) -> tuple[float, np.ndarray]:
        logit, heatmap = session.run(["logit", "heatmap"], {first.name: image[None]})
        return float(logit[0, 0]), heatmap[0]

    return infer


def open_logit(model_dir: Path, serving_dir: Path) -> Infer:
    """The exported network reduced to its logit, compiled as `Predictor` does for one caller."""
    core = get_core()
    network, weights = open_network(read_artifact(model_dir), model_dir, serving_dir)
    [logit] = [output for output in network.outputs if "logit" in output.names]
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
    }
    alone = openvino.Model([logit], network.get_parameters())
    request = core.compile_model(alone, "CPU", options).create_infer_request()

    def infer(image: np.ndarray, _outlive: object = weights) -> tuple[float]:
        return (float(request.infer({0: image[None]}, share_inputs=True)[0][0, 0]),)

    return infer


RUNTIMES: dict[str, Callable[..., Infer]] = {
    "auto": lambda *folders: Predictor(*folders, precision="auto").infer,
    "float32": lambda *folders: Predictor(*folders, precision="float32").infer,
    "logit": open_logit,
    "onnxruntime": open_onnx,
}


def main(runtime: str, *paths: Path) -> None:
    """Load and warm up once, then measure on request."""
    *network, inputs_file = paths
    inputs = np.load(inputs_file)
    infer = RUNTIMES[runtime](*network)
    infer(inputs[0])

    def measure(count: int) -> dict[str, Any]:
        seconds, logits = [], []
        for number in range(count):
            started = time.perf_counter()
            logit = infer(inputs[number % len(inputs)])[0]
            seconds.append(time.perf_counter() - started)
            logits.append(logit)
        return {"seconds": seconds, "logits": logits}

    serve(measure)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
