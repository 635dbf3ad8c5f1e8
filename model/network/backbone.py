"""The ResNet50 in the network: its initial weights, its trained layers, and where to split it.

Layers before the first trained one never change, so they can run once for each image instead of
once in every epoch. Frozen batch normalisation uses its stored statistics.
"""

import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np

from model.network.graph import load_network

_NPZ_ERRORS = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""Raised when a damaged or encrypted .npz is read."""


class WeightsError(ValueError):
    """The initial weights cannot be used; the message is one sentence."""


def base_layers(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers of ResNet50 in forward order, from conv1 to the end of conv5."""
    return [layer for layer in network.layers if layer.name.startswith(("conv", "pool1"))]


def load_weights(network: keras.Model, weights: str) -> list[str]:
    """Load `imagenet`, `none` or a file into ResNet50; return the layers that were not loaded.

    The file is a trained network in .keras, or an .npz of arrays named `layer/variable`, as in
    Keras. A layer is loaded only when the .npz has all its variables. Raises WeightsError.
    """
    weighty = [layer for layer in base_layers(network) if layer.weights]
    if weights == "none":
        return [layer.name for layer in weighty]
    if weights == "imagenet" or weights.endswith(".keras"):
        source = _download_imagenet() if weights == "imagenet" else _load_trained(weights)
        try:
            for layer in weighty:
                layer.set_weights(source.get_layer(layer.name).get_weights())
        except ValueError as error:  # another network
            reason = " ".join(str(error).split())
            raise WeightsError(f"The weights {weights} cannot be used: {reason}") from error
        return []
    left_out = []
    try:
        with np.load(Path(weights)) as arrays:
            names = set(arrays.files)
            for layer in weighty:
                keys = [f"{layer.name}/{variable.name}" for variable in layer.weights]
                if names.issuperset(keys):
                    values = [arrays[key].astype(np.float32) for key in keys]
                    for key, value in zip(keys, values, strict=True):
                        if not np.isfinite(value).all():
                            raise ValueError(f"{key} holds values that are not finite.")
                    layer.set_weights(values)
                else:
                    left_out.append(layer.name)
    except (*_NPZ_ERRORS, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"The weights {weights} cannot be used: {reason}") from error
    if len(left_out) == len(weighty):
        raise WeightsError(f"The weights {weights} hold no layer of ResNet50.")
    return left_out


def _download_imagenet() -> keras.Model:
    try:
        return keras.applications.ResNet50(include_top=False, weights="imagenet")
    except Exception as error:  # Keras raises nothing narrower when a download fails
        raise WeightsError(
            "The ImageNet weights cannot be downloaded; check the connection, or name a file of "
            f"weights with --weights ({' '.join(str(error).split())})."
        ) from error


def _load_trained(file: str) -> keras.Model:
    try:
        return load_network(Path(file))
    except (*_NPZ_ERRORS, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"The weights {file} cannot be used: {reason}") from error


def freeze(network: keras.Model, trainable_layers: int, fresh: list[str]) -> list[str]:
    """Train the last `trainable_layers` of ResNet50, and all from the first `fresh` stage on.

    A stage (conv2 to conv5) with incomplete weights is trained as a whole, with all that follows,
    because its statistics and kernels must match. Returns the names of the trained layers of
    ResNet50 that have weights.
    """
    layers = base_layers(network)
    first = max(0, len(layers) - trainable_layers)
    stages = {name.partition("_")[0] for name in fresh}
    starts = [i for i, layer in enumerate(layers) if layer.name.partition("_")[0] in stages]
    first = min([first, *starts])
    for layer in layers[:first]:
        layer.trainable = False
    return [layer.name for layer in layers[first:] if layer.weights]


def split_network(
    network: keras.Model, answer: keras.KerasTensor
) -> tuple[keras.Model, keras.Model]:
    """The frozen trunk (image -> seams) and the rest (seams -> `answer`), sharing the layers.

    A seam is a tensor that depends on no trained layer and no dropout, but is an input of a layer
    that does. There are two when only conv5 is trained (conv5 and the pooling of conv4 have
    different inputs), and one when only the head is.
    """
    constant: set[int] = set()  # ids of tensors that training never changes
    seams: list[keras.KerasTensor] = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            constant.add(id(layer.output))
            continue
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        known = [tensor for tensor in inputs if id(tensor) in constant]
        random = isinstance(layer, keras.layers.Dropout)
        if len(known) == len(inputs) and not layer.trainable_weights and not random:
            constant.add(id(layer.output))
        else:
            seams += [t for t in known if all(t is not other for other in seams)]
    trunk = keras.Model(network.input, seams, name="trunk")
    rest = keras.Model(seams, answer, name="rest")
    return trunk, rest
