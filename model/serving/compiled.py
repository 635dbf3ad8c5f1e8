"""The exported network, compiled for this processor in one precision."""

from collections.abc import Mapping

import numpy as np
import openvino

from model.serving.artifact import ArtifactError
from model.serving.core import get_core
from model.serving.golden import Output
from model.serving.precision import HINTS, Precision, check_executed


def compile_requests(
    network: openvino.Model,
    hint: dict[str, str | int],
    threads: int,
    requests: int,
    precision: Precision,
) -> list[openvino.InferRequest]:
    """Warm requests of the network, compiled for `threads` in all.

    Raises ArtifactError when this machine cannot run it, and PrecisionUnavailable when OpenVINO
    runs it in another precision.
    """
    options = {
        **hint,
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "INFERENCE_NUM_THREADS": threads,
    }
    try:
        compiled = get_core().compile_model(network, "CPU", options)
        made = [compiled.create_infer_request() for _ in range(requests)]
        for request in made:
            request.infer({0: np.zeros(compiled.input(0).shape, np.float32)})
    except RuntimeError as error:  # OpenVINO raises it for all
        raise ArtifactError("OpenVINO cannot run the network on this machine.") from error
    check_executed(compiled, precision)
    return made


def compile_wide(
    network: openvino.Model, threads: int, precision: Precision
) -> openvino.InferRequest:
    """The request that answers one image soonest, with all `threads`. Raises ArtifactError."""
    hint: dict[str, str | int] = {"PERFORMANCE_HINT": "LATENCY"}
    [request] = compile_requests(network, hint, threads, 1, precision)
    return request


def infer_one(request: openvino.InferRequest, image: np.ndarray, precision: Precision) -> Output:
    """(side, side, 1) float32 grey -> the network's output, uncalibrated."""
    return split_outputs(request.infer({0: image[None]}, share_inputs=True), precision)[0]


def split_outputs(outputs: Mapping[str, np.ndarray], precision: Precision) -> list[Output]:
    """The output for each image of a batch, copied so that it outlives the request."""
    logits, heatmaps, distances = (outputs[name] for name in ("logit", "heatmap", "distance"))
    return [
        Output(float(logits[i, 0]), heatmaps[i].copy(), float(distances[i]), precision)
        for i in range(len(logits))
    ]
