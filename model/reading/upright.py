"""Whether a film hangs correctly: a linear classifier on its 16 x 16 grey means.

Fitted and measured by `python -m model.training.fit_upright`. It warns and never turns a film: what
looks mirrored may be a heart on the right (1 in 10,000 people), and only a tag can say.
"""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("right", "mirrored", "turned", "negative")

FILE = Path(__file__).with_name("upright.npz")

_SIDE = 16

_SURE = {"mirrored": 0.99, "turned": 0.97, "negative": 0.95}
"""Least probability for a warning: at most 1 in 1,000 of the correctly hung films of the fit, of
children and adults, gets one."""

_SENTENCES = {
    "mirrored": "The film seems to be mirrored (the heart lies on the wrong side); check its sides "
    "before using the result.",
    "turned": "The film seems to be turned or upside down; turn it and send it again.",
    "negative": "The film seems to be a negative (bones dark, lungs bright); invert it and send it "
    "again.",
}

with np.load(FILE) as _probe:
    _WEIGHTS, _OFFSETS = _probe["weights"], _probe["offsets"]


def warn_of_hanging(pixels: np.ndarray) -> tuple[str, ...]:
    """A sentence if a film, (height, width) uint8, almost certainly hangs wrongly; else none."""
    found = classify(shrink(pixels))
    return (_SENTENCES[found],) if found != "right" else ()


def shrink(pixels: np.ndarray) -> np.ndarray:
    """(height, width) uint8 -> (16, 16) float32 grey means."""
    image = Image.fromarray(pixels)
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    return np.asarray(small, np.float32)


def standardise(films: np.ndarray) -> np.ndarray:
    """(N, 16, 16) -> (N, 256), each of mean 0 and variance 1, which removes the exposure."""
    flat = films.reshape(len(films), -1)
    centred = flat - flat.mean(1, keepdims=True)
    return centred / (flat.std(1, keepdims=True) + 1e-3)


def classify(film: np.ndarray) -> str:
    """The class of (16, 16) grey means; "right" unless another is almost certain."""
    logits = _WEIGHTS @ standardise(film[None])[0] + _OFFSETS
    shares = np.exp(logits - logits.max())
    found = int(shares.argmax())
    probability = float(shares[found] / shares.sum())
    name = CLASSES[found]
    return name if probability >= _SURE.get(name, 0.0) else "right"
