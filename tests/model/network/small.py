"""A small untrained network and images for it."""

from typing import Any

import keras
import numpy as np

from model.network.graph import build_network


def make_small(**options: Any) -> keras.Model:
    """A network for images of 64 px."""
    keras.utils.set_random_seed(2)
    return build_network([8, 4], dropout=0.5, l2=1e-4, side=64, **options)


IMAGE = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 1)).astype(np.float32)
