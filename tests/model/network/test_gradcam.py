"""`model.network.gradcam`: the heat map that is computed without automatic differentiation."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.network.gradcam import HEAD_SUFFIX, build_serving_network, pooled_features
from model.network.graph import build_network, load_network
from model.reading.xray import model_input, read_xray
from model.serving.artifact import WEIGHTS_NAME, read_artifact
from model.serving.density import read_density
from model.serving.golden import Output
from model.serving.predictor import conclude
from tests.model.network.small import IMAGE, make_small
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """The shipped network in Keras, float32."""
    return load_network(SHIPPED / WEIGHTS_NAME)


def read_images(paths: list[Path]) -> np.ndarray:
    """(N, 224, 224, 1) float32, read as serving reads."""
    return np.stack([model_input(read_xray(path.read_bytes())) for path in paths])


def check_heat_map(network: keras.Model, images: np.ndarray) -> None:
    """The heat map equals that of automatic differentiation."""
    inner = [layer.output for layer in pooled_features(network)]
    seams = keras.tree.flatten(keras.Model(network.input, inner)(images))
    onward = keras.Model(inner, network.get_layer("logit").output)
    with tf.GradientTape() as tape:
        tape.watch(seams)
        logit = onward(seams)
    both = np.zeros((1, 1, 1))
    for gradient, features in zip(tape.gradient(logit, seams), seams, strict=True):
        means = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        heat = tf.reduce_sum(means * features, axis=-1).numpy()
        spread = seams[0].shape[1] // heat.shape[1]
        both = both + np.kron(heat / spread**2, np.ones((1, spread, spread)))
    edge = (images.shape[1] // 16 - both.shape[1]) // 2
    expected = np.pad(np.maximum(both, 0), ((0, 0), (edge, edge), (edge, edge)))
    got = build_serving_network(network, read_density(SHIPPED))(images)["heatmap"].numpy()
    assert expected.max() > 0
    np.testing.assert_allclose(got, expected, atol=1e-5 * max(1, expected.max()))


def test_heat_map_is_grad_cam(samples: list[Path], network: keras.Model) -> None:
    """Of the shipped network, on real X-rays."""
    check_heat_map(network, read_images(samples[::4]))


def test_heat_map_follows_the_head(samples: list[Path]) -> None:
    """Shuffled weights of the head give other maps (Adebayo et al. 2018, sanity check).

    On average over pneumonias and shuffles, because a single shuffle may keep a part of a map.
    """
    images = read_images(samples[-8:])
    shuffled = load_network(SHIPPED / WEIGHTS_NAME)
    density = read_density(SHIPPED)
    before = build_serving_network(shuffled, density)(images)["heatmap"].numpy()
    random = np.random.default_rng(6)
    heads = tuple(f"{layer.name}_head_" for layer in pooled_features(shuffled))
    agreements = []
    for _ in range(4):
        for layer in shuffled.layers:
            if isinstance(layer, keras.layers.Dense) and layer.name.startswith(heads):
                kernel = np.array(layer.kernel, copy=True)
                layer.kernel.assign(random.permutation(kernel.ravel()).reshape(kernel.shape))
        after = build_serving_network(shuffled, density)(images)["heatmap"].numpy()
        agreements += [
            np.corrcoef(old.ravel(), new.ravel())[0, 1]
            for old, new in zip(before, after, strict=True)
        ]
    assert np.mean(agreements) < 0.5
    assert max(agreements) < 0.9


@pytest.mark.parametrize("options", [{"kind": "dag"}, {"batch_norm": False}])
def test_heat_map_of_every_network_is_grad_cam(options: dict[str, Any]) -> None:
    """With Conv2D branches, and in a head without batch normalisation."""
    keras.utils.set_random_seed(7)
    network = build_network([8, 4], 0.5, 1e-4, side=96, **options)
    for layer in network.layers:
        if layer.name.endswith("_bn") and not layer.name.startswith("conv"):
            # Different statistics in each layer, so that a missing slope shows.
            layer.gamma.assign(np.linspace(0.5, 2, layer.gamma.shape[0]))
            layer.moving_variance.assign(np.linspace(0.1, 3, layer.gamma.shape[0]))
    images = np.random.default_rng(0).uniform(0, 255, (2, 96, 96, 1)).astype(np.float32)
    check_heat_map(network, images)


def test_heat_map_lies_on_the_image_at_another_side() -> None:
    """For images of 64 px: 16 rows, and each cell of the network's own grid at its place."""
    network = make_small()
    for layer in network.layers:  # so that the map is positive everywhere
        if HEAD_SUFFIX in layer.name and isinstance(layer, keras.layers.Dense):
            layer.kernel.assign(keras.ops.abs(layer.kernel))
    answers = build_serving_network(network, read_density(SHIPPED))(IMAGE[:1])
    grid = answers["heatmap"][0].numpy()
    assert grid.shape == (4, 4) and grid.max() > 0
    artifact = replace(read_artifact(SHIPPED), input_side=64)
    rows = np.array(conclude(artifact, Output(0.0, grid, 1.0, "float32")).heatmap)
    assert rows.shape == (16, 16)
    assert not rows[[0, -1]].any() and not rows[:, [0, -1]].any()
    whole = (np.arange(16) + 0.5) / 16
    inner = 1 / 16 + (np.arange(4) + 0.5) / 4 * 14 / 16  # the cells' centres in the image
    for axis in (0, 1):
        expected = np.average(inner, weights=grid.sum(1 - axis))
        assert np.average(whole, weights=rows.sum(1 - axis)) == pytest.approx(expected, abs=0.005)
