"""Made images and weights to train on, and the shipped network."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.network.backbone import base_layers
from model.network.conversion import export_network
from model.network.graph import build_network
from model.serving.predictor import Predictor
from tests.stack import ROOT

SIDE = 64
SHIPPED = ROOT / "model" / "artifact"


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """The shipped network as it is served; exported first where that was not done yet."""
    serving = ROOT / "var" / "serving"
    export_network(SHIPPED, serving)
    return Predictor(SHIPPED, serving, precision="float32")


@pytest.fixture(scope="session")
def made_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images to train on and four to test on, both classes; bright or dark patches."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for split, first, count in (("train", 0, 4), ("test", 50, 2)):
        for name, stem in (("NORMAL", "IM-{:04d}-0001"), ("PNEUMONIA", "person{}_virus_1")):
            (folder / split / name).mkdir(parents=True)
            for index in range(first, first + count):
                patches = random.integers(0, 120 + 100 * (name == "NORMAL"), (8, 8), np.uint8)
                picture = Image.fromarray(patches).resize((128, 128))
                picture.save(folder / split / name / f"{stem.format(index)}.png")
    return folder


@pytest.fixture(scope="session")
def made_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz with conv1 to conv4 complete, and a part of conv5."""
    arrays = {
        f"{layer.name}/{variable.name}": variable.numpy().astype(np.float16)
        for layer in base_layers(build_network([4], 0.5, 1e-4, side=SIDE))
        if not layer.name.startswith("conv5_block2")
        for variable in layer.weights
    }
    file = tmp_path_factory.mktemp("weights") / "made.npz"
    np.savez(file, **arrays)
    return file
