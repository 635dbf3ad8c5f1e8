"""The trained network with parts of it back at random weights, from the last layers to the first.

A map that stays the same when the weights are random does not show what was learned (Adebayo et al.
2018, "Sanity checks for saliency maps").
"""

from collections.abc import Iterator

import keras

HEADS = "heads"
STAGES = (HEADS, "conv5", "conv4", "conv3", "conv2", "conv1")
"""In the order in which they are made random; each keeps those before it random."""


def randomise(network: keras.Model, seed: int) -> Iterator[str]:
    """Give the layers of one stage after the other, in place, weights as before training.

    Yields the name of a stage when it and all before it are random.
    """
    keras.utils.set_random_seed(seed)
    fresh = keras.models.clone_model(network)
    for stage in STAGES:
        for layer in network.layers:
            if find_stage(layer.name) == stage:
                layer.set_weights(fresh.get_layer(layer.name).get_weights())
        yield stage


def find_stage(name: str) -> str:
    """The stage of ResNet50 that a layer belongs to, by its name; `heads` for what follows it."""
    return next((stage for stage in STAGES[1:] if name.startswith(f"{stage}_")), HEADS)
