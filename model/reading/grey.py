"""Grey levels: stored pixel values of any depth -> 0 (black) to 255 (white)."""

from collections.abc import Iterator

import numpy as np

BAND_PIXELS = 4_000_000
"""Pixels converted at a time, so that the steps between need no second whole image."""

MIN_CONTRAST = 16
"""Range of grey levels below which a picture counts as blank."""

_UPRIGHT_CONTRAST = 10.0
"""Grey levels by which two contrasts must agree; see `looks_upright`."""

_TAIL = 0.5
"""How far values may lie beyond the middle 96 %, as a share of that; see `value_range`."""


def bands(width: int, height: int) -> Iterator[slice]:
    """Slices of the rows of a picture from top to bottom, of about BAND_PIXELS pixels each."""
    rows = max(BAND_PIXELS // width, 1)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def stretch(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map `low`..`high` linearly to uint8 0..255; `values` must lie between them."""
    scaled = (values.astype(np.float32) - low) * (255.0 / ((high - low) or 1))
    return scaled.round().astype(np.uint8)


def value_range(sample: np.ndarray) -> tuple[float, float]:
    """The values to map to black and white, from a sample of the pixels of a picture of any depth.

    Not the extremes: a lead letter, a hot pixel or a drawn border far outside the film's own range
    would leave the film only a few grey levels. The range is that of the middle 96 %, extended at
    each end by at most half of its width; of 1,304 training films 7 have brighter and 3 darker
    values. (0, 0) if no value is finite.
    """
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 0.0
    low, high = np.percentile(sample, (2, 98))
    reach = _TAIL * (high - low)
    within = sample[(sample >= low - reach) & (sample <= high + reach)]
    if high == low or not within.size:
        within = sample
    return float(within.min()), float(within.max())


def window(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """Apply a VOI window (PS3.3 C.11.2.1.2 and C.11.2.1.3): float64 from 0 to 255.

    `width` is positive. `function` is LINEAR, LINEAR_EXACT or SIGMOID; anything else counts as
    LINEAR, the default. A LINEAR window of width 1 or less is a step above `centre` - 0.5.
    """
    with np.errstate(over="ignore"):  # an infinite quotient is black or white
        if function == "SIGMOID":
            # 1 / (1 + exp(-4 (x - c) / w)), written so that the exponential does not overflow.
            return 127.5 * (1 + np.tanh(2 * ((values - centre) / width)))
        if function != "LINEAR_EXACT":
            centre, width = centre - 0.5, width - 1
        if width <= 0:
            return np.where(values > centre, 255.0, 0.0)
        return 255 * np.clip((values - centre) / width + 0.5, 0, 1)


def look_up(values: np.ndarray, table: np.ndarray, first: int) -> np.ndarray:
    """Apply a look-up table (PS3.3 C.11.1.1): `first` is the value that maps to the first entry.

    Values outside the table map to its first or last entry. pydicom's own function is not used,
    because it refuses 12-bit tables and wraps the index of 8-bit tables of more than 256 entries.
    """
    index = np.rint(values).astype(np.int64) - first
    return table[np.clip(index, 0, len(table) - 1)]


def looks_upright(grey: np.ndarray) -> bool:
    """Whether a frontal chest film, (height, width) uint8, is certainly not inverted.

    Air is dark and the spine bright. Two contrasts must both exceed 10 levels: the middle of the
    chest against the lungs on both sides, and against the upper corners, which show the air above
    the shoulders. Of 1,571 upright films of children and adults (Kermany et al., NIH ChestX-ray8)
    99 % met the first and 91 % the second; none had both reversed by as much.
    """
    height, width = grey.shape

    def mean(top: float, bottom: float, left: float, right: float) -> float:
        rows = slice(int(top * height), int(bottom * height))
        return float(grey[rows, int(left * width) : int(right * width)].mean())

    lungs = (mean(0.25, 0.6, 0.2, 0.36) + mean(0.25, 0.6, 0.64, 0.8)) / 2
    corners = (mean(0, 0.12, 0, 0.12) + mean(0, 0.12, 0.88, 1)) / 2
    return (
        mean(0.25, 0.65, 0.42, 0.58) - lungs > _UPRIGHT_CONTRAST
        and mean(0.2, 0.8, 0.42, 0.58) - corners > _UPRIGHT_CONTRAST
    )
