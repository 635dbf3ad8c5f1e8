"""A ramp of greys as a DICOM file, and the grey levels that are read from it."""

from typing import Any

import numpy as np

from model.reading.xray import read_xray
from tests.model.reading.dicom_objects import build, save

RAMP = np.tile(np.linspace(0, 4095, 300).round().astype(np.uint16), (240, 1))
"""300 wide, 240 high, 12 bits, dark at the left."""
GREY = (RAMP * (255 / 4095)).round().astype(np.uint8)


def close(grey: np.ndarray, expected: np.ndarray, levels: int = 1) -> bool:
    """Whether two pictures are the same except for rounding."""
    return grey.shape == expected.shape and bool(
        np.abs(grey.astype(int) - expected.astype(int)).max() <= levels
    )


def read(pixels: np.ndarray, **elements: Any) -> np.ndarray:
    """The grey of an object with these pixels and elements."""
    return read_xray(save(build(pixels, **elements))).pixels
