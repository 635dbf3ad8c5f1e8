"""`model.network` and `model.serving.predictor`: Keras and serving give the same answers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from model.network.conversion import export_network
from model.network.gradcam import (
    build_feature_network,
    build_serving_network,
)
from model.network.graph import build_network, load_network, save_weights_compact
from model.reading.dataset import list_xrays
from model.reading.xray import model_input, read_xray
from model.serving.artifact import WEIGHTS_NAME, ArtifactError, read_artifact
from model.serving.density import read_density
from model.serving.export import is_whole
from model.serving.predictor import Predictor, place_heatmap
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
    """The export gives the outputs of the trained network."""
    check_agreement(samples, network, predictor)


def test_runtime_and_keras_agree_on_100_xrays(
    xray_data: Path, network: keras.Model, predictor: Predictor
) -> None:
    """The same on a hundred test images, both classes."""
    paths = [x.path for x in list_xrays(xray_data / "kermany224" / "test")]
    check_agreement(paths[::6][:100], network, predictor)


def test_recorded_scores_are_what_serving_reaches(xray_data: Path, predictor: Predictor) -> None:
    """Serving reproduces the scores in the metadata."""
    xrays = list_xrays(xray_data / "kermany224" / "test")
    predictions = [predictor.predict(read_xray(x.path.read_bytes())) for x in xrays]
    labels = np.array([x.label for x in xrays])
    called = np.array([p.decision == "pneumonia" for p in predictions])
    recorded = predictor.artifact.scores["test"]
    auc = roc_auc_score(labels, [p.probability for p in predictions])
    assert auc == pytest.approx(recorded["auc_roc"][0], abs=1e-3)
    assert called[labels == 1].mean() == pytest.approx(recorded["sensitivity"][0], abs=0.003)
    assert 1 - called[labels == 0].mean() == pytest.approx(recorded["specificity"][0], abs=0.005)


def test_saved_network_answers_as_before(tmp_path: Path) -> None:
    """Even with a variance that overflows float16, as in ImageNet's first layers."""
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
    """Every field of the prediction, for real X-rays of both classes."""
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


@pytest.mark.parametrize("cells", [2, 3, 4, 7, 14, 16, 28, 64])
def test_heat_map_keeps_place_and_strength(cells: int) -> None:
    """For any grid: uniform maps stay uniform, a cell keeps its place, and 14 x 14 is exact."""
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


def test_missing_export_is_reported_in_one_sentence(tmp_path: Path) -> None:
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


PLAIN = ("ages", "kinds", "limits", "thumbnail")
HEADERS = ("headers", "headers.dicom_meta", "headers.jpeg", "headers.png", "headers.tiff")


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
    headers = {f"model.reading.{name}" for name in (*PLAIN, *HEADERS)}
    assert set(done.stdout.split()) == {
        *("model", "model.reading", "model.reading.dicom", "model.reading.dicom.accepted"),
        *headers,
    }


def test_shipped_architecture_is_the_recorded_one(network: keras.Model) -> None:
    """`build_network` makes the network whose weights are shipped, layer by layer."""
    recorded = read_artifact(SHIPPED).training["arguments"]
    built = build_network(recorded["dense"], recorded["dropout"], recorded["l2"])
    assert [layer.name for layer in built.layers] == [layer.name for layer in network.layers]
    built.set_weights(network.get_weights())
