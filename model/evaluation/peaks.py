"""Whether heat maps peak inside the body: a check that needs no annotation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from model.reading.xray import read_xray
from model.serving.predictor import Predictor

BODY_LEVEL = 0.15
"""Share of the grey level of bright tissue (98th percentile); anything darker is air or film."""


def find_body(pixels: np.ndarray) -> np.ndarray:
    """(H, W) uint8 grey -> (H, W) bool: the largest bright region and its holes, the lungs.

    Lead letters and scales on the dark margin are separate regions, and therefore outside.
    """
    smooth = ndimage.gaussian_filter(pixels.astype(np.float32), max(pixels.shape) / 100)
    regions, count = ndimage.label(smooth > BODY_LEVEL * np.percentile(pixels, 98))
    if count == 0:
        return np.zeros(pixels.shape, bool)
    largest = 1 + int(np.argmax(np.bincount(regions.ravel())[1:]))
    return ndimage.binary_fill_holes(regions == largest)


def peak_is_inside(heatmap: Sequence[Sequence[float]], body: np.ndarray) -> bool:
    """Whether the centre of the strongest cell of the heat map is in `body` (H, W)."""
    heat = np.array(heatmap)
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    height, width = body.shape
    at = int((row + 0.5) * height / heat.shape[0]), int((column + 0.5) * width / heat.shape[1])
    return bool(body[at])


def measure_peaks(
    predictor: Predictor, paths: Sequence[Path], labels: np.ndarray
) -> dict[str, int | float]:
    """The number of detected pneumonias, and the share whose heat map peaks inside the body."""
    inside = []
    for path in (path for path, label in zip(paths, labels, strict=True) if label == 1):
        xray = read_xray(path.read_bytes())
        prediction = predictor.predict(xray)
        if prediction.decision == "pneumonia":
            inside.append(peak_is_inside(prediction.heatmap, find_body(xray.pixels)))
    return {
        "pneumonias found": len(inside),
        "peak inside the body": round(float(np.mean(inside)), 4) if inside else 0.0,
    }
