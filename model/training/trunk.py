"""Run the frozen trunk: in TensorFlow, or in OpenVINO where a processor trains in bfloat16."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from model.network.conversion import convert_network
from model.network.graph import copy_in_float32
from model.serving.core import get_core
from model.serving.precision import HINTS, check_executed

Trunk = Callable[[np.ndarray], list[np.ndarray]]
"""Images (B, S, S, 1) float32 -> the outputs of the trunk, each (B, ...), in their order."""


def compile_trunk(trunk: keras.Model) -> Trunk:
    """`trunk` for inference, in the precision of its layers.

    In bfloat16 OpenVINO runs it: it fuses convolution, normalisation and ReLU, which TensorFlow
    computes one after the other. Raises PrecisionUnavailable when it ran in another precision.
    """
    if "bfloat16" in {layer.compute_dtype for layer in trunk.layers}:
        return _compile_bfloat16(trunk)
    run = tf.function(lambda batch: trunk(batch, training=False), reduce_retracing=True)
    return lambda batch: [np.asarray(output) for output in keras.tree.flatten(run(batch))]


def _compile_bfloat16(trunk: keras.Model) -> Trunk:
    single = copy_in_float32(trunk)  # OpenVINO rounds by itself, where that costs least accuracy
    names = [f"output_{index}" for index in range(len(single.outputs))]
    named = keras.Model(single.input, dict(zip(names, single.outputs, strict=True)))
    with tempfile.TemporaryDirectory(prefix="trunk-") as scratch:
        shape = [-1, *single.input_shape[1:]]
        converted = convert_network(named, shape, Path(scratch, "saved"))
        compiled = get_core().compile_model(
            converted,
            "CPU",
            {"INFERENCE_PRECISION_HINT": HINTS["bfloat16"], "PERFORMANCE_HINT": "LATENCY"},
        )
    check_executed(compiled, "bfloat16")

    def run(batch: np.ndarray) -> list[np.ndarray]:
        found = compiled(batch)
        return [found[name] for name in names]

    return run
