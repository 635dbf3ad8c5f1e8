"""One runtime with the serving network in it, one side of the comparison of runtimes.

    python -m tests.bench.runtimes auto MODEL_DIR SERVING_DIR INPUTS.npy
    python -m tests.bench.runtimes float32 MODEL_DIR SERVING_DIR INPUTS.npy
    python -m tests.bench.runtimes logit MODEL_DIR SERVING_DIR INPUTS.npy
    python -m tests.bench.runtimes bfloat16-on-one-core MODEL_DIR SERVING_DIR INPUTS.npy
    python -m tests.bench.runtimes onnxruntime MODEL.onnx INPUTS.npy

Answers `{"count": 20}` with the seconds and the logit of each inference, one image at a time, the
processor time of all, and the precision. `auto` and `float32` are settings of the precision:
OpenVINO as the service runs it, by `Predictor.infer`. `PRECISION-on-one-core` and
`PRECISION-on-all-cores` are the network alone in one form. ONNX Runtime gets the same threads and
the same fixed input shape; `logit` is OpenVINO in float32 without heat map and distance.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import openvino

from model.serving.artifact import read_artifact
from model.serving.compiled import compile_requests, compile_wide, infer_one
from model.serving.core import get_core
from model.serving.golden import Output
from model.serving.precision import PRECISIONS, Precision
from model.serving.predictor import Predictor, open_network
from tests.bench.sides import serve

Infer = Callable[[np.ndarray], Output]


def open_onnx(file: Path) -> Infer:
    """The counterpart of `Predictor.infer`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    first = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).get_inputs()[0]
    if isinstance(first.shape[0], str):
        options.add_free_dimension_override_by_name(first.shape[0], 1)
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def infer(image: np.ndarray) -> Output:
        logit, heatmap = session.run(["logit", "heatmap"], {first.name: image[None]})
        return Output(float(logit[0, 0]), heatmap[0], math.nan, "float32")

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

    def infer(image: np.ndarray, _outlive: object = weights) -> Output:
        [logit] = request.infer({0: image[None]}, share_inputs=True).values()
        return Output(float(logit[0, 0]), np.empty(0), math.nan, "float32")

    return infer


def open_form(precision: Precision, model_dir: Path, serving_dir: Path, *, wide: bool) -> Infer:
    """The exported network with all cores for an image, or with one, as the worker's requests."""
    network, weights = open_network(read_artifact(model_dir), model_dir, serving_dir)
    if wide:
        request = compile_wide(network, len(os.sched_getaffinity(0)), precision)
    else:
        [request] = compile_requests(network, {"NUM_STREAMS": 1}, 1, 1, precision)

    def infer(image: np.ndarray, _outlive: object = weights) -> Output:
        return infer_one(request, image, precision)

    return infer


RUNTIMES: dict[str, Callable[..., Infer]] = {
    "auto": lambda *folders: Predictor(*folders, precision="auto").infer,
    "float32": lambda *folders: Predictor(*folders, precision="float32").infer,
    "logit": open_logit,
    "onnxruntime": open_onnx,
    **{f"{name}-on-one-core": partial(open_form, name, wide=False) for name in PRECISIONS},
    **{f"{name}-on-all-cores": partial(open_form, name, wide=True) for name in PRECISIONS},
}


def main(runtime: str, *paths: Path) -> None:
    """Load and warm up once, then measure on request."""
    *network, inputs_file = paths
    inputs = np.load(inputs_file)
    infer = RUNTIMES[runtime](*network)
    infer(inputs[0])

    def measure(count: int) -> dict[str, Any]:
        seconds, logits, began = [], [], time.process_time()
        for number in range(count):
            started = time.perf_counter()
            output = infer(inputs[number % len(inputs)])
            seconds.append(time.perf_counter() - started)
            logits.append(output.logit)
        processor = time.process_time() - began
        return {
            "seconds": seconds,
            "logits": logits,
            "processor": processor,
            "precision": output.precision,
        }

    serve(measure)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
