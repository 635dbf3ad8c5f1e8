"""What is refused, whatever the format of the file."""

import threading
from contextlib import AbstractContextManager, nullcontext

MIN_SIDE = 100
"""Shortest side accepted, in pixels; below it neither a person nor the network sees a lung."""

MAX_PIXELS = 60_000_000
"""Pixel limit when the caller names none: a 7,700 px square, above any digital detector."""

LARGE_PIXELS = 10_000_000
"""Above it one image is decoded at a time: a worker's threads share the host's memory."""

_large = threading.Lock()


REASONS = (
    "unreadable",
    "unsupported",
    "too_large",
    "too_small",
    "blank",
    "several",
    "not_chest",
    "not_frontal",
)
"""Why a file is refused, in a word that can be counted; see UnreadableXray."""


class UnreadableXray(ValueError):
    """The bytes are not an image that can be judged; the message is one sentence for a person.

    `reason` is one of REASONS: damaged or no image (`unreadable`), stored in a way that is not read
    (`unsupported`), several images in one file, or, by the tags of a DICOM, another examination.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raises UnreadableXray for more than `max_pixels` and for sides below MIN_SIDE."""
    if width * height > max_pixels:
        raise UnreadableXray(
            f"The image has {width} x {height} pixels, more than the limit of "
            f"{max_pixels // 1_000_000} megapixels; export it smaller.",
            "too_large",
        )
    if min(width, height) < MIN_SIDE:
        raise UnreadableXray(
            f"The image is only {width} x {height} pixels; send one of at least "
            f"{MIN_SIDE} pixels on its shorter side.",
            "too_small",
        )


def one_if_large(width: int, height: int) -> AbstractContextManager[object]:
    """Decode within it: more than LARGE_PIXELS wait for each other, in all threads."""
    return _large if width * height > LARGE_PIXELS else nullcontext()
