"""Calls of a cage, ordinary and malicious."""

import numpy as np
from PIL import Image

from model.cage.pool import Cage, PreviewedXray
from model.reading.limits import MAX_PIXELS
from tests.model.reading.encoding import encode

GREY = np.asarray(Image.radial_gradient("L").resize((300, 200)))

ORDINARY = encode(Image.fromarray(GREY), "JPEG")


def read(cage: Cage, data: bytes = ORDINARY) -> PreviewedXray:
    """As a worker does."""
    return cage.read(data, MAX_PIXELS, 224)


def attack(cage: Cage, name: str, argument: object = "") -> PreviewedXray:
    """Make the decoder run an attack of `tests.model.cage.attacks`."""
    return read(cage, f"attack {name} {argument}".encode())
