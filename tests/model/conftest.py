"""Made images in the data set's layout, and weights of a network that was never trained."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.base import base_layers
from model.network import build_network

SIDE = 64


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
