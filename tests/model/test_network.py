"""`graph` and `predictor`: one answer in Keras and at serving, and its heat map."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from model.network.backbone import freeze, load_weights, split_network
from model.network.conversion import export_network
from model.network.gradcam import (
    HEAD_SUFFIX,
    build_feature_network,
    build_serving_network,
    pooled_features,
)
from model.network.graph import build_network, load_network, save_weights_compact
from model.reading.dataset import list_xrays
from model.reading.xray import model_input, read_xray
from model.serving.artifact import WEIGHTS_NAME, ArtifactError, read_artifact
from model.serving.density import read_density
from model.serving.export import is_whole
from model.serving.golden import Output
from model.serving.predictor import Predictor, conclude, place_heatmap
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """The shipped network in Keras, float32."""
    return load_network(SHIPPED / WEIGHTS_NAME)


def read_images(paths: list[Path]) -> np.ndarray:
    """(N, 224, 224, 1) float32, read as serving reads."""
    return np.stack([model_input(read_xray(path.read_bytes())) for path in paths])


def check_agreement(paths: list[Path], network: keras.Model, predictor: Predictor) -> None:
    """Logit, probability, heat map and distance of both within 1e-3."""
    images = read_images(paths)
    serving = build_serving_network(network, read_density(SHIPPED))
    expected = serving.predict(images, batch_size=8, verbose=0)
    probabilities = network.predict(images, batch_size=8, verbose=0)[:, 0]
    served = [predictor.infer(image) for image in images]
    logits = np.array([output.logit for output in served])
    assert np.abs(1 / (1 + np.exp(-logits)) - probabilities).max() < 1e-3
    assert np.abs(logits - expected["logit"][:, 0]).max() < 1e-3
    heatmaps = np.stack([output.heatmap for output in served])
    assert np.abs(heatmaps - expected["heatmap"]).max() < 1e-3
    distances = np.array([output.distance for output in served])
    assert np.abs(distances - expected["distance"]).max() < 1e-3


def test_runtime_and_keras_agree_on_samples(
    samples: list[Path], network: keras.Model, predictor: Predictor
) -> None:
    """What is served is what was trained."""
    check_agreement(samples, network, predictor)


def test_runtime_and_keras_agree_on_100_xrays(
    xray_data: Path, network: keras.Model, predictor: Predictor
) -> None:
    """The same on a hundred test images, both classes."""
    paths = [x.path for x in list_xrays(xray_data / "kermany224" / "test")]
    check_agreement(paths[::6][:100], network, predictor)


def test_recorded_scores_are_what_serving_reaches(xray_data: Path, predictor: Predictor) -> None:
    """The figures in the metadata come out again, image by image, through the serving path."""
    xrays = list_xrays(xray_data / "kermany224" / "test")
    predictions = [predictor.predict(read_xray(x.path.read_bytes())) for x in xrays]
    labels = np.array([x.label for x in xrays])
    called = np.array([p.decision == "pneumonia" for p in predictions])
    recorded = predictor.artifact.scores["test"]
    auc = roc_auc_score(labels, [p.probability for p in predictions])
    assert auc == pytest.approx(recorded["auc_roc"][0], abs=1e-3)
    assert called[labels == 1].mean() == pytest.approx(recorded["sensitivity"][0], abs=0.003)
    assert 1 - called[labels == 0].mean() == pytest.approx(recorded["specificity"][0], abs=0.005)


def check_heat_map(network: keras.Model, images: np.ndarray) -> None:
    """The map written out by hand equals the one by automatic differentiation."""
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

    On average over pneumonias and shuffles: a shuffle keeps a part of a map at times, by chance.
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
    """Of the graph with Conv2D branches, and of a head without batch normalisation."""
    keras.utils.set_random_seed(7)
    network = build_network([8, 4], 0.5, 1e-4, side=96, **options)
    for layer in network.layers:
        if layer.name.endswith("_bn") and not layer.name.startswith("conv"):
            # Statistics of their own, or a slope that is left out would not show.
            layer.gamma.assign(np.linspace(0.5, 2, layer.gamma.shape[0]))
            layer.moving_variance.assign(np.linspace(0.1, 3, layer.gamma.shape[0]))
    images = np.random.default_rng(0).uniform(0, 255, (2, 96, 96, 1)).astype(np.float32)
    check_heat_map(network, images)


def test_saved_network_answers_as_before(tmp_path: Path) -> None:
    """Also with a variance that float16 cannot hold, as ImageNet's first layers have."""
    keras.utils.set_random_seed(5)
    network = build_network([8], 0.5, 1e-4, side=64)
    norm = network.get_layer("conv1_bn")
    norm.moving_variance.assign(np.full(norm.moving_variance.shape, 2e5, np.float32))
    images = np.random.default_rng(1).uniform(0, 255, (4, 64, 64, 1)).astype(np.float32)
    features = build_feature_network(network)(images).numpy()
    save_weights_compact(network, tmp_path / "saved.keras")
    saved = load_network(tmp_path / "saved.keras")
    np.testing.assert_allclose(
        build_feature_network(saved)(images).numpy(),
        features,
        rtol=0.02,
        atol=0.02 * features.max(),
    )
    np.testing.assert_array_equal(saved(images).numpy(), network(images).numpy())


def test_prediction_is_complete_and_in_range(samples: list[Path], predictor: Predictor) -> None:
    """Every field of the answer, for real X-rays of both classes."""
    artifact = read_artifact(SHIPPED)
    for path in samples:
        prediction = predictor.predict(read_xray(path.read_bytes()))
        assert 0 <= prediction.probability <= 1
        above = prediction.probability >= round(artifact.threshold, 4)
        assert prediction.decision == ("pneumonia" if above else "normal")
        assert prediction.threshold == artifact.threshold
        assert prediction.model == artifact.version
        heat = np.array(prediction.heatmap)
        assert heat.shape == (16, 16)
        assert 0 <= heat.min() <= heat.max() <= 1


def test_heat_map_lies_on_the_image_at_another_side() -> None:
    """For images of 64 px: 16 rows, and each cell of the network's own grid at its place."""
    network = make_small()
    for layer in network.layers:  # so that every feature counts and the map is not 0
        if HEAD_SUFFIX in layer.name and isinstance(layer, keras.layers.Dense):
            layer.kernel.assign(keras.ops.abs(layer.kernel))
    answers = build_serving_network(network, read_density(SHIPPED))(IMAGE[:1])
    grid = answers["heatmap"][0].numpy()
    assert grid.shape == (4, 4) and grid.max() > 0
    artifact = replace(read_artifact(SHIPPED), input_side=64)
    rows = np.array(conclude(artifact, Output(0.0, grid, 1.0)).heatmap)
    assert rows.shape == (16, 16)
    assert not rows[[0, -1]].any() and not rows[:, [0, -1]].any()
    whole = (np.arange(16) + 0.5) / 16
    inner = 1 / 16 + (np.arange(4) + 0.5) / 4 * 14 / 16  # the cells' centres in the image
    for axis in (0, 1):
        expected = np.average(inner, weights=grid.sum(1 - axis))
        assert np.average(whole, weights=rows.sum(1 - axis)) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("cells", [2, 3, 4, 7, 14, 16, 28, 64])
def test_heat_map_keeps_place_and_strength(cells: int) -> None:
    """Of any grid: what is uniform stays so, a single cell stays at its place, and 14 is exact."""
    ones = place_heatmap(np.ones((cells, cells), np.float32))
    np.testing.assert_allclose(ones[1:15, 1:15], 1, rtol=1e-5)
    assert ones.sum() == pytest.approx(14 * 14)
    for row, column in ((0, 0), (cells - 1, 0), (cells // 2, cells - 1)):
        one = np.zeros((cells, cells), np.float32)
        one[row, column] = 1
        placed = place_heatmap(one)
        centre = 1 + 14 * (np.array([row, column]) + 0.5) / cells
        found = [np.average(np.arange(16) + 0.5, weights=placed.sum(axis)) for axis in (1, 0)]
        np.testing.assert_allclose(found, centre, atol=0.5)
    if cells == 14:
        heatmap = np.random.default_rng(0).random((14, 14), np.float32)
        np.testing.assert_array_equal(place_heatmap(heatmap), np.pad(heatmap, 1))


def test_missing_export_is_told_in_one_sentence(tmp_path: Path) -> None:
    """The worker says which command makes the export."""
    with pytest.raises(ArtifactError, match=r"make it with `python -m model\.network"):
        Predictor(SHIPPED, tmp_path)


def test_damaged_export_is_made_again(tmp_path: Path, predictor: Predictor) -> None:
    """Without its manifest, with half its weights, or missing, an export does not count."""
    artifact = predictor.artifact
    export = tmp_path / artifact.version
    assert not is_whole(artifact, SHIPPED, tmp_path)
    shutil.copytree(ROOT / "var" / "serving" / artifact.version, export)
    assert is_whole(artifact, SHIPPED, tmp_path)
    assert export_network(SHIPPED, tmp_path) == export
    (export / "manifest.json").rename(tmp_path / "manifest.json")
    assert not is_whole(artifact, SHIPPED, tmp_path)
    (tmp_path / "manifest.json").rename(export / "manifest.json")
    os.truncate(export / "model.bin", 1000)
    assert not is_whole(artifact, SHIPPED, tmp_path)


HEADERS = ("headers", "headers.jpeg", "headers.png", "headers.tiff")


def test_serving_processes_never_import_tensorflow() -> None:
    """API, web and worker start without TensorFlow and Keras."""
    script = (
        "import sys, pneumonia_api.app, pneumonia_api.worker.tasks, pneumonia_web.app; "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_api_reads_headers_and_knows_nothing_else_of_the_model() -> None:
    """It publishes by name: it starts without OpenVINO, numpy, decoders, the model or the task."""
    script = (
        "import sys, pneumonia_api.app; "
        "print(*(name for name in sys.modules if name.split('.')[0] in "
        "('model', 'openvino', 'numpy', 'PIL', 'pydicom') or name == 'pneumonia_api.worker.tasks'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    headers = {f"model.reading.{name}" for name in ("kinds", "limits", *HEADERS)}
    assert set(done.stdout.split()) == {"model", "model.reading", *headers}


def make_small(**options: Any) -> keras.Model:
    """A network for images of 64 px."""
    keras.utils.set_random_seed(2)
    return build_network([8, 4], dropout=0.5, l2=1e-4, side=64, **options)


IMAGE = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 1)).astype(np.float32)


def test_shipped_architecture_is_the_default(network: keras.Model) -> None:
    """`build_network` makes the network whose weights are shipped, layer by layer."""
    built = build_network([256], dropout=0.5, l2=1e-4)
    assert [layer.name for layer in built.layers] == [layer.name for layer in network.layers]
    built.set_weights(network.get_weights())


def test_weights_survive_loading_and_compact_storage(tmp_path: Path) -> None:
    """ImageNet arrays land in their layers, what is missing is named, float16 comes back exact."""
    network = make_small(kind="dag")
    arrays = {
        f"{layer.name}/{variable.name}": np.full(variable.shape, 0.25, np.float16)
        for layer in network.layers
        for variable in layer.weights
        if layer.name.startswith(("conv1", "conv2"))
    }
    np.savez(tmp_path / "some.npz", **arrays)
    left_out = load_weights(network, str(tmp_path / "some.npz"))
    assert "conv3_block1_1_conv" in left_out
    assert not any(name.startswith(("conv1", "conv2")) for name in left_out)
    assert np.all(network.get_layer("conv2_block1_1_conv").kernel.numpy() == 0.25)

    network = make_small(kind="dag")
    save_weights_compact(network, tmp_path / "half.keras")
    again = load_network(tmp_path / "half.keras")
    np.testing.assert_array_equal(again(IMAGE), network(IMAGE))
    assert {variable.dtype for variable in again.weights} == {"float32"}


@pytest.mark.parametrize(
    ("layers", "fresh", "first", "seams"),
    [
        # conv5 is fresh in part, so all of it is trained; the pooling of conv4 stays in the trunk.
        (15, ["conv5_block2_1_conv"], "conv5_block1_1_conv", [(4, 4, 1024), (1024,)]),
        # The last fifteen begin at the ReLU before this; the shortcut passes by.
        (15, [], "conv5_block2_3_conv", [(2, 2, 2048), (2, 2, 512), (1024,)]),
        (0, [], None, [(1024,), (2048,)]),
    ],
)
def test_trunk_and_rest_are_the_whole_network(
    layers: int, fresh: list[str], first: str | None, seams: list[tuple[int, ...]]
) -> None:
    """Cut before the first trained layer; features kept on disk lead to the answer of the image."""
    network = make_small()
    trained = freeze(network, layers, fresh)
    trunk, rest = split_network(network, network.output)
    assert trained[:1] == ([first] if first else [])
    assert sorted(tensor.shape[1:] for tensor in rest.inputs) == sorted(seams)
    assert not trunk.trainable_weights
    assert len(rest.trainable_weights) == len(network.trainable_weights) > 0
    np.testing.assert_allclose(rest(trunk(IMAGE)), network(IMAGE), atol=1e-6)


def test_frozen_batch_normalisation_keeps_its_statistics() -> None:
    """Even in training the frozen part answers as in inference; the trained part does not."""
    network = make_small()
    freeze(network, 15, [])
    before = [variable.numpy() for variable in network.non_trainable_variables]
    network(IMAGE, training=True)
    changed = {
        variable.path.split("/")[0]
        for variable, old in zip(network.non_trainable_variables, before, strict=True)
        if "moving" in variable.path and not np.array_equal(variable.numpy(), old)
    }
    assert "conv5_block3_3_bn" in changed
    assert not any(name.startswith(("conv1", "conv2", "conv3", "conv4")) for name in changed)
    assert not any(name.startswith("conv5_block1") for name in changed)
