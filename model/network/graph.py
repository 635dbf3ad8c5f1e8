"""The Keras network and its weights.

It takes grey images, (N, side, side, 1) float32, 0 to 255. The rest of the preprocessing that the
weights expect (three channels, ImageNet's means) is part of the graph.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
from keras import ops

from model.network.gradcam import HEAD_SUFFIX, POOLED_SUFFIX
from model.reading.xray import INPUT_SIDE

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
    """ResNet50, average pooling of conv4 and conv5, a head of `dense` layers on each, one sigmoid.

    Input: grey images, (N, side, side, 1), 0 to 255. Output: (N, 1), the uncalibrated probability
    of pneumonia. The logit is the mean of both heads: conv5 is retrained on a small collection,
    while conv4 keeps its ImageNet weights, which generalise better to images of another origin; a
    single head relied on conv5 alone. Pooling leaves out an edge of one seventh: it shows markers,
    arms and collimation, which distinguish the classes of the training set but not lungs. `kind` is
    `resnet50`, or `dag`, which fuses both by Conv2D branches for one head.
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
    """Pooled features (N, D) -> the logit of pneumonia (N, 1); names of layers begin with `name`.

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
    """A branch of two Conv2D layers on conv4 and on conv5 each, resized to one grid and fused."""
    branches = []
    for name, features in inner.items():
        narrow = _convolve(features, BRANCH_FILTERS, 1, f"{name}_branch1")
        branches.append(_convolve(narrow, BRANCH_FILTERS, 3, f"{name}_branch2"))
    branches[1] = keras.layers.UpSampling2D(2, name="inner_conv5_up")(branches[1])
    both = keras.layers.Concatenate(name="branches")(branches)
    return _convolve(both, FUSED_FILTERS, 3, "fused")


def _convolve(x: keras.KerasTensor, filters: int, size: int, name: str) -> keras.KerasTensor:
    """Convolution, batch normalisation and ReLU; the ReLU is the layer called `name`."""
    x = keras.layers.Conv2D(filters, size, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=name)(x)


def save_weights_compact(network: keras.Model, file: Path) -> None:
    """Save architecture and weights as .keras, with float16 kernels and without optimizer state.

    That halves the size; `load_network` casts back to float32. Batch normalisation stays float32:
    some variances of ImageNet overflow float16, and infinite ones would silence their channels. The
    weights of `network` are rounded as well, so that a later evaluation sees what was saved.
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
    """Load a `.keras` file in float32, for inference."""
    return copy_in_float32(keras.models.load_model(file, compile=False))


def copy_in_float32(network: keras.Model) -> keras.Model:
    """The same network with the same weights, whose layers compute in float32."""
    copy = keras.models.clone_model(
        network, clone_function=lambda layer: _with_dtype(layer, "float32")
    )
    copy.set_weights(network.get_weights())
    return copy


def _dtype_on_disk(layer: keras.layers.Layer) -> str:
    return "float32" if isinstance(layer, keras.layers.BatchNormalization) else "float16"


def _with_dtype(layer: keras.layers.Layer, dtype: str) -> keras.layers.Layer:
    config = layer.get_config()
    config["dtype"] = dtype
    return layer.__class__.from_config(config)
