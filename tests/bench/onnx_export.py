"""The serving network as ONNX, for the comparison of runtimes; the service does not use it.

    python -m tests.bench.onnx_export model/artifact/pneumonia.keras model.onnx

takes about 15 s.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from model.network.gradcam import build_serving_network
from model.network.graph import load_network
from model.reading.xray import INPUT_SIDE
from model.serving.density import read_density


def export_onnx(weights: Path, target: Path) -> None:
    """Write the network with its outputs to `target`."""
    serving: keras.Model = build_serving_network(
        load_network(weights), read_density(weights.parent)
    )
    # Keras exports only a model that was called once.
    serving(np.zeros((1, INPUT_SIDE, INPUT_SIDE, 1), np.float32))
    serving.export(target, format="onnx", verbose=False)


if __name__ == "__main__":
    export_onnx(Path(sys.argv[1]), Path(sys.argv[2]))
