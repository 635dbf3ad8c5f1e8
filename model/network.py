"""The Keras network, its weights, and its export for serving.

    python -m model.network --artifact model/artifact --out var/serving

writes var/serving/VERSION/ (OpenVINO IR, float32, and a manifest of digests), from which
`model.predictor` answers without TensorFlow. The network takes grey images, (N, side, side, 1)
float32, 0 to 255; everything that the weights expect beyond that (three channels, ImageNet's means)
is part of the graph.
"""

import argparse
import fcntl
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import openvino
from keras import ops
from PIL import Image

from model.artifact import WEIGHTS_NAME, ArtifactError, read_artifact
from model.durable import install_folder, make_scratch
from model.export import GRAPH_NAME, is_whole, write_export_manifest
from model.golden import Golden, list_images, write_golden
from model.gradcam import HEAD_SUFFIX, POOLED_SUFFIX, build_serving_network
from model.ood import read_density
from model.xray import INPUT_SIDE, Xray, model_input

# Keras's resnet50.preprocess_input (He et al. 2015): BGR, minus the ImageNet means.
_IMAGENET_MEANS_BGR = (103.939, 116.779, 123.68)
_INNER = {"inner_conv4": "conv4_block6_out", "inner_conv5": "conv5_block3_out"}
BRANCH_FILTERS = 128
FUSED_FILTERS = 256


def build_network(
    dense: Sequence[int],
    dropout: float,
    l2: float,
    *,
    kind: str = "resnet50",
    side: int = INPUT_SIDE,
    batch_norm: bool = True,
) -> keras.Model:
    """ResNet50, features that are average-pooled, a head of `dense` layers on each, one sigmoid.

    Takes grey images, (N, side, side, 1), 0 to 255; gives (N, 1), the uncalibrated probability of
    pneumonia. conv4 and conv5 have a head each, and the logit is the mean of both: conv5 is learned
    anew on a small collection, while conv4 keeps what ImageNet taught it, which holds better on
    images of another origin; one head for both leaned on conv5 alone. An edge of one seventh is
    left out: markers, arms and collimation lie there, tell the classes of the training set apart,
    and say nothing of lungs. `kind` is `resnet50`, which pools both as they are, or `dag`, which
    pools what Conv2D branches make of them, for one head.
    """
    xray = keras.Input((side, side, 1), name="xray")
    channels = keras.layers.Concatenate(name="grey_to_bgr")([xray, xray, xray])
    centred = keras.layers.Rescaling(
        1.0, offset=[-mean for mean in _IMAGENET_MEANS_BGR], name="imagenet_means"
    )(channels)
    base = keras.applications.ResNet50(include_top=False, weights=None, input_tensor=centred)
    edge = round(side / 32 / 7)  # in cells of conv5; a cell of conv4 is half as long
    features = {
        name: keras.layers.Cropping2D(cells, name=name)(base.get_layer(end).output)
        for (name, end), cells in zip(_INNER.items(), (2 * edge, edge), strict=True)
    }
    if kind == "dag":
        features = {"fused": _fuse_branches(features)}
    logits = []
    for name, tensor in features.items():
        pooled = keras.layers.GlobalAveragePooling2D(name=f"{name}{POOLED_SUFFIX}")(tensor)
        logits.append(add_head(pooled, dense, dropout, l2, batch_norm, name=f"{name}{HEAD_SUFFIX}"))
    logit = (
        keras.layers.Average(name="logit")(logits)
        if len(logits) > 1
        else keras.layers.Identity(name="logit")(logits[0])
    )
    return keras.Model(xray, probability_of(logit), name="pneumonia")


def add_head(
    pooled: keras.KerasTensor,
    dense: Sequence[int],
    dropout: float,
    l2: float,
    batch_norm: bool,
    *,
    name: str,
) -> keras.KerasTensor:
    """Pooled features (N, D) -> the logit of pneumonia (N, 1); all layers begin with `name`.

    Each Dense layer has L2 on its kernel, then batch normalisation, ReLU and dropout.
    """
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(pooled)
    for index, units in enumerate(dense, start=1):
        x = keras.layers.Dense(
            units,
            use_bias=not batch_norm,
            kernel_regularizer=keras.regularizers.L2(l2),
            name=f"{name}_dense{index}",
        )(x)
        if batch_norm:
            x = keras.layers.BatchNormalization(name=f"{name}_dense{index}_bn")(x)
        x = keras.layers.ReLU(name=f"{name}_dense{index}_relu")(x)
        x = keras.layers.Dropout(dropout, name=f"{name}_dense{index}_dropout")(x)
    return keras.layers.Dense(1, name=f"{name}_logit")(x)


def probability_of(logit: keras.KerasTensor) -> keras.KerasTensor:
    """Logit (N, 1) -> uncalibrated probability (N, 1), in float32 whatever the policy."""
    return keras.layers.Activation("sigmoid", dtype="float32", name="probability")(logit)


def _fuse_branches(inner: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
    """A branch of two Conv2D layers on conv4 and one on conv5, brought to one grid and fused."""
    branches = []
    for name, features in inner.items():
        narrow = _convolve(features, BRANCH_FILTERS, 1, f"{name}_branch1")
        branches.append(_convolve(narrow, BRANCH_FILTERS, 3, f"{name}_branch2"))
    branches[1] = keras.layers.UpSampling2D(2, name="inner_conv5_up")(branches[1])
    both = keras.layers.Concatenate(name="branches")(branches)
    return _convolve(both, FUSED_FILTERS, 3, "fused")


def _convolve(x: keras.KerasTensor, filters: int, size: int, name: str) -> keras.KerasTensor:
    """Convolution, batch normalisation and the ReLU that carries the name."""
    x = keras.layers.Conv2D(filters, size, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=name)(x)


def save_weights_compact(network: keras.Model, file: Path) -> None:
    """Save architecture and weights in Keras's own format, kernels as float16; no optimizer state.

    Half the size, and loading casts back to float32. Batch normalisation stays float32: ImageNet's
    variances go beyond float16, where they became infinite and silenced their channels. The network
    itself is rounded too, so that what is evaluated afterwards is what was saved.
    """
    for layer in network.layers:
        for variable in layer.variables if _dtype_on_disk(layer) == "float16" else ():
            variable.assign(ops.cast(ops.cast(variable, "float16"), "float32"))
    half = keras.models.clone_model(
        network, clone_function=lambda layer: _with_dtype(layer, _dtype_on_disk(layer))
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


def _dtype_on_disk(layer: keras.layers.Layer) -> str:
    return "float32" if isinstance(layer, keras.layers.BatchNormalization) else "float16"


def _with_dtype(layer: keras.layers.Layer, dtype: str) -> keras.layers.Layer:
    config = layer.get_config()
    config["dtype"] = dtype
    return layer.__class__.from_config(config)


def export_network(artifact_folder: Path, out: Path) -> Path:
    """Derive the OpenVINO IR of an artifact under `out`/VERSION; return that folder.

    Nothing is done for an export that is whole. One that is not, such as what an earlier release
    left without a manifest, is replaced. Raises ArtifactError.
    """
    artifact = read_artifact(artifact_folder)
    target, side = out / artifact.version, artifact.input_side
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another start may derive the same one
        if is_whole(artifact, artifact_folder, out):
            return target
        serving = build_serving_network(
            load_network(artifact_folder / WEIGHTS_NAME), read_density(artifact_folder)
        )
        with make_scratch(out) as scratch:
            serving.export(f"{scratch}/saved", format="tf_saved_model", verbose=False)
            converted = openvino.convert_model(f"{scratch}/saved", input=[1, side, side, 1])
            folder = Path(scratch, "ir")
            openvino.save_model(converted, folder / GRAPH_NAME, compress_to_fp16=False)
            write_export_manifest(folder, artifact.version)
            install_folder(folder, target)
    return target


def record_golden(serving: keras.Model, out: Path) -> None:
    """Write `golden.npz`: what the network of `build_serving_network` answers to golden X-rays.

    On the CPU, because a GPU's convolutions may be rounded to ten bits of mantissa.
    """
    paths, labels = zip(*list_images(), strict=True)
    side = serving.input_shape[1]
    inputs = np.stack([_read_golden_image(path, side) for path in paths])
    with keras.device("cpu:0"):
        answers = serving(inputs.astype(np.float32))
    logits, heatmaps, distances = (
        ops.convert_to_numpy(answers[name]) for name in ("logit", "heatmap", "distance")
    )
    write_golden(out, Golden(inputs, np.array(labels), logits[:, 0], heatmaps, distances))


def _read_golden_image(path: Path, side: int) -> np.ndarray:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    whole = Xray(pixels, pixels.shape[1], pixels.shape[0], ())
    return model_input(whole, side).round().astype(np.uint8)


def main() -> int:
    """Export the artifact named on the command line; print where it went."""
    parser = argparse.ArgumentParser(description="Export the trained network for serving.")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--out", type=Path, default=Path("var/serving"))
    parser.add_argument(
        "--record-golden",
        action="store_true",
        help="write golden.npz first: for an artifact of a release that recorded none",
    )
    arguments = parser.parse_args()
    try:
        if arguments.record_golden:
            read_artifact(arguments.artifact)
            network = load_network(arguments.artifact / WEIGHTS_NAME)
            density = read_density(arguments.artifact)
            record_golden(build_serving_network(network, density), arguments.artifact)
        print(export_network(arguments.artifact, arguments.out))
    except ArtifactError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
