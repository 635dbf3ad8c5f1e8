"""A picture that several tests read."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def ramp() -> Image.Image:
    """A grey picture, 300 wide and 200 high, dark at the left and bright at the right."""
    row = np.linspace(0, 255, 300).round().astype(np.uint8)
    return Image.fromarray(np.tile(row, (200, 1)))
