"""Grey levels: stored pixel values of any depth -> 0 black to 255 white."""

from collections.abc import Iterator

import numpy as np

BAND_PIXELS = 4_000_000
"""Pixels that are converted at a time, so that the steps between cost no second whole image."""

MIN_CONTRAST = 16
"""Range in grey levels below which a picture is blank."""

_UPRIGHT_CONTRAST = 10.0

_TAIL = 0.5
"""Reach of the values beyond the middle 96 %, as a share of that; see `value_range`."""


def bands(width: int, height: int) -> Iterator[slice]:
    """The rows of a picture from top to bottom, in slices of at most BAND_PIXELS."""
    rows = max(BAND_PIXELS // width, 1)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def stretch(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map `low`..`high` linearly to uint8 0..255; `values` must lie between them."""
    scaled = (values.astype(np.float32) - low) * (255.0 / ((high - low) or 1))
    return scaled.round().astype(np.uint8)


def value_range(sample: np.ndarray) -> tuple[float, float]:
    """The values that become black and white, from some pixels of a picture of any depth.

    Not the extremes: a lead letter, a hot pixel or a drawn border far outside the film's own values
    would leave it a few greys. Values count up to half of the middle 96 % beyond its ends; of
    1,304 training films 7 have brighter ones and 3 have darker ones.
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
    """A VOI window as float 0..255 (PS3.3 C.11.2.1.2 and C.11.2.1.3); `width` is positive.

    `function` is LINEAR, LINEAR_EXACT or SIGMOID; anything else counts as LINEAR, the default.
    """
    if function == "SIGMOID":
        # 1 / (1 + exp(-4 (x - c) / w)), in a form that does not overflow.
        return 127.5 * (1 + np.tanh(2 * (values - centre) / width))
    if function != "LINEAR_EXACT":
        centre, width = centre - 0.5, width - 1
    return 255 * np.clip((values - centre) / max(width, 1e-6) + 0.5, 0, 1)


def look_up(values: np.ndarray, table: np.ndarray, first: int) -> np.ndarray:
    """A look-up table (PS3.3 C.11.1.1): `first` is the value that the first entry stands for.

    Values outside the table take its first or last entry. pydicom's own function is not used: it
    refuses tables of 12 bits and wraps the index of 8-bit tables with more than 256 entries.
    """
    index = np.rint(values).astype(np.int64) - first
    return table[np.clip(index, 0, len(table) - 1)]


def looks_upright(grey: np.ndarray) -> bool:
    """Whether a frontal chest film is surely not inverted: (height, width) uint8.

    Air is dark and the spine bright. Two contrasts must both say so by 10 levels: the middle of the
    chest against the lungs on both sides, and against the upper corners, where above the shoulders
    there is air. On 1,571 upright films of children and adults (Kermany et al., NIH ChestX-ray8)
    both held for 99 % and 91 %; both were the opposite by as much for none.
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
