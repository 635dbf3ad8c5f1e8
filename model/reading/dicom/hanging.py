"""Orientation and aspect of a picture: rotated, mirrored and stretched as its DICOM tags say."""

import math

import numpy as np
from PIL import Image
from pydicom import Dataset

from model.reading.dicom.anatomy import read_text
from model.reading.dicom.values import read_numbers

_MAX_ASPECT = 5.0
"""Ratio of a pixel's sides above which the tag counts as damaged."""


def hang(grey: np.ndarray, dataset: Dataset) -> np.ndarray:
    """(rows, columns) as stored -> square pixels, head up, the patient's left on the right.

    Of any depth of up to 16 bits, which stays.

    Uses Pixel Aspect Ratio or the spacings, and Patient Orientation (PS3.3 C.7.6.1.1.1), whose two
    values name the direction of the rows and of the columns. Without them the picture stays as it
    is. Field of View Rotation and Horizontal Flip are ignored: they record what was already done to
    the detector's pixels, and Patient Orientation describes the result.
    """
    grey = _square(grey, dataset)
    along, _, down = read_text(dataset, "PatientOrientation").partition("\\")
    along, down = along[:1], down.strip()[:1]
    if along in "HF" and down in "LR" and along and down:
        grey, along, down = grey.T, down, along
    if down == "H" and along in ("L", "R"):
        grey = grey[::-1]
    if along == "R" and down in ("H", "F"):
        grey = grey[:, ::-1]
    return np.ascontiguousarray(grey)


def _square(grey: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The picture resampled to square pixels, about as many as before."""
    for element in ("PixelAspectRatio", "ImagerPixelSpacing", "PixelSpacing"):
        sides = read_numbers(dataset, element)
        if len(sides) >= 2 and min(sides[:2]) > 0:
            ratio = sides[0] / sides[1]  # height over width of a pixel
            if abs(ratio - 1) < 0.01 or not 1 / _MAX_ASPECT <= ratio <= _MAX_ASPECT:
                return grey
            height, width = grey.shape
            size = (round(width / math.sqrt(ratio)), round(height * math.sqrt(ratio)))
            # Lanczos keeps the sharpness that the network relies on; bilinear moved results by 0.1.
            if grey.dtype == np.uint8:
                return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS))
            deep = Image.fromarray(grey.astype(np.float32)).resize(size, Image.Resampling.LANCZOS)
            return np.asarray(deep).round().clip(grey.min(), grey.max()).astype(grey.dtype)
    return grey
