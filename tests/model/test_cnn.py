"""`model.cnn`: the real training run, small."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.artifact import read_artifact
from model.cnn import main
from model.network import build_network


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the data set's layout: 2 x 8 training and 2 x 4 test images of noise."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for split, count in (("train", 8), ("test", 4)):
        for name, stem in (("NORMAL", "IM-{:04d}-0001"), ("PNEUMONIA", "person{}_virus_1")):
            (folder / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = random.integers(0, 120 + 100 * (name == "NORMAL"), (224, 224), np.uint8)
                file = folder / split / name / f"{stem.format(index)}.png"
                Image.fromarray(pixels).save(file)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz like the ImageNet one, of a network that was never trained."""
    file = tmp_path_factory.mktemp("weights") / "random.npz"
    layers = [layer for layer in build_network([4], 0.5, 1e-4).layers if layer.weights]
    arrays = {
        f"{layer.name}/{variable.name}": variable.numpy().astype(np.float16)
        for layer in layers
        if layer.name.startswith(("conv1", "conv2", "conv3", "conv4"))
        for variable in layer.weights
    }
    np.savez(file, **arrays)
    return file


def test_one_epoch_writes_a_complete_artifact(
    data: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eight images of each class, one epoch: weights, figures with intervals, plots, model card."""
    arguments = ["--data", data, "--weights", weights, "--out", tmp_path / "out"]
    arguments += ["--epochs", 1, "--views", 1, "--batch", 4, "--validation-share", 0.25]
    assert main([str(argument) for argument in arguments]) == 0
    out = tmp_path / "out"
    artifact = read_artifact(out)
    assert artifact.training["images"] == {"train": 12, "validation": 4}
    assert artifact.scores["test"]["images"] == 8
    assert len(artifact.scores["test"]["auc_roc"]) == 3
    assert 0 < artifact.threshold < 1
    for name in ("training.png", "evaluation.png", "MODEL_CARD.md"):
        assert (out / name).stat().st_size > 1000
    assert artifact.version in (out / "MODEL_CARD.md").read_text()
    assert "conv5_block3_3_conv" in capsys.readouterr().out
    json.loads((out / "pneumonia.json").read_text())


def test_folder_without_data_is_told_in_one_line(
    weights: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A class that is missing ends the run with one line and a code, not a traceback."""
    broken = shutil.copytree(data, tmp_path / "broken")
    shutil.rmtree(broken / "train" / "NORMAL")
    arguments = ["--data", str(broken), "--weights", str(weights), "--out", str(tmp_path)]
    assert main(arguments) == 1
    assert capsys.readouterr().err.count("\n") == 1
