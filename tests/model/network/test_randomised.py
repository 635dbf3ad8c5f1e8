"""`model.network.randomised`: random weights from the heads down, and the comparison map."""

import keras
import numpy as np
import tensorflow as tf

from model.network.gradcam import build_map_network, pooled_features
from model.network.randomised import HEADS, STAGES, find_stage, randomise
from tests.model.network.small import IMAGE, make_small


def read_kernels(network: keras.Model) -> dict[str, np.ndarray]:
    """One kernel of each stage, by the stage's name."""
    found: dict[str, np.ndarray] = {}
    for layer in network.layers:
        kernels = [w.numpy() for w in layer.weights if w.name == "kernel"]
        if kernels:
            found.setdefault(find_stage(layer.name), kernels[0])
    return found


def test_stages_become_random_one_after_the_other() -> None:
    """Each keeps those before it random, and leaves those below as they were trained."""
    network = make_small()
    trained = read_kernels(network)
    assert set(trained) == set(STAGES)
    for count, stage in enumerate(randomise(network, seed=1), start=1):
        assert stage == STAGES[count - 1]
        now = read_kernels(network)
        changed = {
            name for name, kernel in now.items() if not np.array_equal(kernel, trained[name])
        }
        assert changed == set(STAGES[:count])


def test_same_seed_gives_the_same_weights() -> None:
    """A second check of the same model repeats the first."""
    first, second = make_small(), make_small()
    for network in (first, second):
        assert list(randomise(network, seed=7)) == list(STAGES)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_belong_to_stages() -> None:
    """By name; what is not of ResNet50 is a head."""
    assert find_stage("conv4_block6_out") == "conv4"
    assert find_stage("conv1_bn") == "conv1"
    assert find_stage("inner_conv5_head_dense1") == HEADS


def test_grad_cam_plus_plus_is_that_of_its_authors() -> None:
    """Their pixel weights, from the gradient of each cell by automatic differentiation."""
    network = make_small()
    features = [layer.output for layer in pooled_features(network)]
    cells = keras.tree.flatten(keras.Model(network.input, features)(IMAGE))
    onward = keras.Model(features, network.get_layer("logit").output)
    with tf.GradientTape() as tape:
        tape.watch(cells)
        logit = onward(cells) * len(cells)  # the logit is the mean of the heads
    expected = np.zeros((1, 1, 1))
    for gradient, activation in zip(tape.gradient(logit, cells), cells, strict=True):
        g, a = gradient.numpy(), activation.numpy()
        below = 2 * g**2 + a.sum(axis=(1, 2), keepdims=True) * g**3
        alpha = np.where(below != 0, g**2 / np.where(below != 0, below, 1), 0)
        weight = (alpha * np.maximum(g, 0)).sum(axis=(1, 2), keepdims=True)
        coarse = (weight * a).sum(axis=-1)
        spread = cells[0].shape[1] // coarse.shape[1]
        expected = expected + np.kron(
            coarse / (coarse.shape[1] * spread) ** 2, np.ones((1, spread, spread))
        )
    got = build_map_network(network)(IMAGE)["plusplus"].numpy()
    edge = (got.shape[1] - expected.shape[1]) // 2
    inner = got[:, edge : got.shape[1] - edge, edge : got.shape[2] - edge] if edge else got
    assert expected.max() > 0
    np.testing.assert_allclose(inner * len(cells), expected, rtol=1e-4, atol=1e-7)
