"""`model.network` and `model.predictor`: one answer in Keras and at serving, and its heat map."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from model.artifact import WEIGHTS_NAME, ArtifactError, read_artifact
from model.data import list_xrays
from model.network import (
    INNER,
    build_network,
    build_serving_network,
    export_network,
    load_imagenet,
    load_network,
    save_weights_compact,
    split_network,
)
from model.predictor import Predictor
from model.xray import model_input, read_xray
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """The shipped network in Keras, float32."""
    return load_network(SHIPPED / WEIGHTS_NAME)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """The shipped network as it is served."""
    serving = ROOT / "var" / "serving"
    export_network(SHIPPED, serving)
    return Predictor(SHIPPED, serving)


def read_images(paths: list[Path]) -> np.ndarray:
    """(N, 224, 224, 1) float32, read as serving reads."""
    return np.stack([model_input(read_xray(path.read_bytes())) for path in paths])


def check_agreement(paths: list[Path], network: keras.Model, predictor: Predictor) -> None:
    """Logit, probability and heat map of both within 1e-3."""
    images = read_images(paths)
    expected = build_serving_network(network).predict(images, batch_size=8, verbose=0)
    probabilities = network.predict(images, batch_size=8, verbose=0)[:, 0]
    served = [predictor.infer(image) for image in images]
    logits = np.array([logit for logit, _ in served])
    assert np.abs(1 / (1 + np.exp(-logits)) - probabilities).max() < 1e-3
    assert np.abs(logits - expected["logit"][:, 0]).max() < 1e-3
    assert np.abs(np.stack([heat for _, heat in served]) - expected["heatmap"]).max() < 1e-3


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


def test_heat_map_is_grad_cam(samples: list[Path], network: keras.Model) -> None:
    """The map written out by hand equals the one by automatic differentiation."""
    images = read_images(samples[::4])
    inner = [network.get_layer(name).output for name, _, _ in INNER]
    seams = keras.Model(network.input, inner)(images)
    onward = keras.Model(inner, network.get_layer("logit").output)
    with tf.GradientTape() as tape:
        tape.watch(seams)
        logit = onward(seams)
    maps = [
        tf.reduce_sum(tf.reduce_mean(gradient, axis=(1, 2), keepdims=True) * features, axis=-1)
        for gradient, features in zip(tape.gradient(logit, seams), seams, strict=True)
    ]
    both = maps[0].numpy() + np.kron(maps[1].numpy() / 4, np.ones((1, 2, 2)))
    expected = np.pad(np.maximum(both, 0), ((0, 0), (2, 2), (2, 2)))
    got = build_serving_network(network)(images)["heatmap"].numpy()
    assert expected.max() > 0
    np.testing.assert_allclose(got, expected, atol=1e-5 * max(1, expected.max()))


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


def test_missing_export_is_told_in_one_sentence(tmp_path: Path) -> None:
    """The worker says which command makes the export."""
    with pytest.raises(ArtifactError, match=r"make it with `python -m model\.network"):
        Predictor(SHIPPED, tmp_path)


def test_serving_processes_never_import_tensorflow() -> None:
    """API, web and worker start without TensorFlow and Keras."""
    script = (
        "import sys, pneumonia_api.app, pneumonia_api.tasks, pneumonia_web.app; "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_api_imports_neither_model_nor_tasks() -> None:
    """The API publishes by name: it starts without OpenVINO, model code or the task."""
    script = (
        "import sys, pneumonia_api.app; sys.exit(any(name.startswith(('model', 'openvino')) "
        "or name == 'pneumonia_api.tasks' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_weights_survive_loading_and_compact_storage(tmp_path: Path) -> None:
    """ImageNet arrays land in their layers, what is missing is named, float16 comes back exact."""
    network = build_network([8, 4], dropout=0.5, l2=1e-4)
    arrays = {
        f"{layer.name}/{variable.name}": np.full(variable.shape, 0.25, np.float16)
        for layer in network.layers
        for variable in layer.weights
        if layer.name.startswith(("conv1", "conv2"))
    }
    np.savez(tmp_path / "some.npz", **arrays)
    left_out = load_imagenet(network, tmp_path / "some.npz")
    assert "conv3_block1_1_conv" in left_out
    assert not any(name.startswith(("conv1", "conv2")) for name in left_out)
    assert np.all(network.get_layer("conv2_block1_1_conv").kernel.numpy() == 0.25)

    image = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 1)).astype(np.float32)
    save_weights_compact(network, tmp_path / "half.keras")
    again = load_network(tmp_path / "half.keras")
    np.testing.assert_array_equal(again(image), network(image))
    assert {variable.dtype for variable in again.weights} == {"float32"}


def test_trunk_and_rest_are_the_whole_network() -> None:
    """Features kept on disk lead to the same answer as the image does."""
    network = build_network([4], dropout=0.5, l2=1e-4)
    trunk, rest = split_network(network)
    image = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 1)).astype(np.float32)
    assert trunk.output.shape[1:] == (14, 14, 1024)
    np.testing.assert_allclose(rest(trunk(image)), network(image), atol=1e-6)
