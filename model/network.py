"""The Keras network, its weights, and its export for serving.

    python -m model.network --artifact model/artifact --out var/serving

writes var/serving/VERSION/model.xml (OpenVINO IR, float32), from which `model.predictor` answers
without TensorFlow. The network takes grey images, (N, 224, 224, 1) float32, 0 to 255; everything
that the weights expect beyond that (three channels, ImageNet's means) is part of the graph.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import openvino
from keras import ops

from model.artifact import WEIGHTS_NAME, ArtifactError, read_artifact
from model.xray import INPUT_SIDE

TRUNK_END = "conv4_block6_out"
# Name, layer and edge in cells of the features that the head pools: 14 x 14 and 7 x 7.
INNER = (("inner_conv4", TRUNK_END, 2), ("inner_conv5", "conv5_block3_out", 1))

# Keras's resnet50.preprocess_input (He et al. 2015): BGR, minus the ImageNet means.
_IMAGENET_MEANS_BGR = (103.939, 116.779, 123.68)


def build_network(dense: Sequence[int], dropout: float, l2: float) -> keras.Model:
    """ResNet50, average pooling, `dense` layers, one sigmoid: grey image -> probability.

    conv4 and conv5 are both pooled: conv5 is learned anew on a small collection, while conv4 keeps
    what ImageNet taught it, which holds better on images of another origin. The pooling leaves out
    an edge of one seventh: markers, arms and collimation lie there, tell the classes of the
    training set apart, and say nothing of lungs. Each Dense layer has L2 on its kernel, then batch
    normalisation, ReLU and dropout. The output is (N, 1), the uncalibrated probability of
    pneumonia.
    """
    xray = keras.Input((INPUT_SIDE, INPUT_SIDE, 1), name="xray")
    channels = keras.layers.Concatenate(name="grey_to_bgr")([xray, xray, xray])
    centred = keras.layers.Rescaling(
        1.0, offset=[-mean for mean in _IMAGENET_MEANS_BGR], name="imagenet_means"
    )(channels)
    base = keras.applications.ResNet50(include_top=False, weights=None, input_tensor=centred)
    pooled = []
    for name, end, edge in INNER:
        inner = keras.layers.Cropping2D(edge, name=name)(base.get_layer(end).output)
        pooled.append(keras.layers.GlobalAveragePooling2D(name=f"{name}_pooled")(inner))
    x = keras.layers.Concatenate(name="pooled")(pooled)
    x = keras.layers.BatchNormalization(name="pooled_bn")(x)
    for index, units in enumerate(dense, start=1):
        x = keras.layers.Dense(
            units,
            use_bias=False,
            kernel_regularizer=keras.regularizers.L2(l2),
            name=f"dense{index}",
        )(x)
        x = keras.layers.BatchNormalization(name=f"dense{index}_bn")(x)
        x = keras.layers.ReLU(name=f"dense{index}_relu")(x)
        x = keras.layers.Dropout(dropout, name=f"dense{index}_dropout")(x)
    logit = keras.layers.Dense(1, name="logit")(x)
    probability = keras.layers.Activation("sigmoid", dtype="float32", name="probability")(logit)
    return keras.Model(xray, probability, name="pneumonia")


def load_imagenet(network: keras.Model, file: Path) -> list[str]:
    """Load arrays named `layer/variable` from an .npz; return the base layers left untouched.

    A layer counts as loaded only when all its variables were in the file.
    """
    left_out = []
    with np.load(file) as arrays:
        names = set(arrays.files)
        for layer in network.layers:
            if not layer.name.startswith("conv") or not layer.weights:
                continue
            keys = [f"{layer.name}/{variable.name}" for variable in layer.weights]
            if names.issuperset(keys):
                layer.set_weights([arrays[key].astype(np.float32) for key in keys])
            else:
                left_out.append(layer.name)
    return left_out


def split_network(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The frozen trunk (image -> conv4 features) and the trained rest, sharing the layers."""
    seam = network.get_layer(TRUNK_END).output
    trunk = keras.Model(network.input, seam, name="trunk")
    rest = keras.Model(seam, network.output, name="conv5_and_head")
    return trunk, rest


@keras.saving.register_keras_serializable("pneumonia")
class GradCam(keras.layers.Layer):
    """Grad-CAM (Selvaraju et al. 2017) of the logit, written out by hand for one forward pass.

    The features reach the logit only through average pooling and the small head, so the gradient
    is a few matrix products; no automatic differentiation, and it exports like any other layer.
    Inputs: inner features of conv4 (N, 10, 10, c) and conv5 (N, 5, 5, d), and each Dense layer's
    ReLU output (N, units). Output: (N, 14, 14), not negative, in units of the logit: the sum of
    both maps, a cell of conv5 spread over the four of conv4 that it covers; zero at the edge.
    """

    def __init__(self, network: keras.Model, **options: object) -> None:
        super().__init__(**options)
        self._network = network

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """See the class."""
        conv4, conv5, *activations = inputs
        gradient = ops.transpose(self._network.get_layer("logit").kernel)
        for index in range(len(activations), 0, -1):
            gradient = gradient * ops.cast(activations[index - 1] > 0, "float32")
            gradient = gradient * self._slope(f"dense{index}_bn")
            kernel = self._network.get_layer(f"dense{index}").kernel
            gradient = ops.matmul(gradient, ops.transpose(kernel))
        gradient = (gradient * self._slope("pooled_bn"))[:, None, None, :]
        channels = conv4.shape[-1]
        heat = ops.sum(conv4 * gradient[..., :channels], axis=-1) / (
            conv4.shape[1] * conv4.shape[2]
        )
        spread = ops.sum(conv5 * gradient[..., channels:], axis=-1) / (
            conv5.shape[1] * conv5.shape[2]
        )
        spread = ops.repeat(ops.repeat(spread / 4, 2, axis=1), 2, axis=2)
        edge = INNER[0][2]
        return ops.pad(ops.relu(heat + spread), ((0, 0), (edge, edge), (edge, edge)))

    def _slope(self, name: str) -> keras.KerasTensor:
        norm = self._network.get_layer(name)
        return norm.gamma / ops.sqrt(norm.moving_variance + norm.epsilon)


def build_serving_network(network: keras.Model) -> keras.Model:
    """The same network with outputs `logit` (N, 1) and `heatmap` (N, 14, 14) from one pass."""
    inner = [network.get_layer(name).output for name, _, _ in INNER]
    relus = [layer for layer in network.layers if isinstance(layer, keras.layers.ReLU)]
    heatmap = GradCam(network, name="heatmap")([*inner, *(layer.output for layer in relus)])
    logit = network.get_layer("logit").output
    return keras.Model(network.input, {"logit": logit, "heatmap": heatmap}, name="serving")


def save_weights_compact(network: keras.Model, file: Path) -> None:
    """Save architecture and weights as float16 in Keras's own format; no optimizer state.

    Half the size, and loading casts back to float32. The network itself is rounded too, so that
    what is evaluated afterwards is what was saved.
    """
    for variable in network.variables:
        if variable.dtype == "float32":
            variable.assign(ops.cast(ops.cast(variable, "float16"), "float32"))
    half = keras.models.clone_model(
        network, clone_function=lambda layer: _with_dtype(layer, "float16")
    )
    half.set_weights(network.get_weights())
    half.save(file)


def load_network(file: Path) -> keras.Model:
    """The network of a `.keras` file, in float32, for inference."""
    stored = keras.models.load_model(file, compile=False)
    network = keras.models.clone_model(
        stored, clone_function=lambda layer: _with_dtype(layer, "float32")
    )
    network.set_weights(stored.get_weights())
    return network


def _with_dtype(layer: keras.layers.Layer, dtype: str) -> keras.layers.Layer:
    config = layer.get_config()
    config["dtype"] = dtype
    return layer.__class__.from_config(config)


def export_network(artifact_folder: Path, out: Path) -> Path:
    """Derive the OpenVINO IR of an artifact under `out`/VERSION; return that folder.

    Written beside and renamed, so that a reader never sees half a model.
    """
    version = read_artifact(artifact_folder).version
    target = out / version
    if (target / "model.xml").is_file():
        return target
    serving = build_serving_network(load_network(artifact_folder / WEIGHTS_NAME))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        serving.export(f"{scratch}/saved", format="tf_saved_model", verbose=False)
        converted = openvino.convert_model(f"{scratch}/saved", input=[1, INPUT_SIDE, INPUT_SIDE, 1])
        openvino.save_model(converted, f"{scratch}/ir/model.xml", compress_to_fp16=False)
        shutil.rmtree(target, ignore_errors=True)
        Path(scratch, "ir").replace(target)
    return target


def main() -> int:
    """Export the artifact named on the command line; print where it went."""
    parser = argparse.ArgumentParser(description="Export the trained network for serving.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--out", type=Path, default=Path("var/serving"))
    arguments = parser.parse_args()
    try:
        print(export_network(arguments.artifact, arguments.out))
    except ArtifactError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
