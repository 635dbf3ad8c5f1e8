"""Why an X-ray is refused, and the limits on size and memory that hold for every format."""

import threading
from contextlib import AbstractContextManager, nullcontext

MIN_SIDE = 100
"""Shortest side accepted, in pixels; below it neither a person nor the network can see a lung."""

MAX_PIXELS = 60_000_000
"""Default pixel limit: a square of 7,700 px, more than any digital detector has."""

LARGE_PIXELS = 10_000_000
"""Images above this are decoded one at a time, because a worker's threads share its memory."""

_gate: AbstractContextManager[object] = threading.Lock()


REASONS = (
    "unreadable",
    "unsupported",
    "too_complex",
    "too_slow",
    "crashed",
    "too_large",
    "too_small",
    "blank",
    "several",
    "not_chest",
    "not_frontal",
)
"""Machine-readable reasons for a refusal, for metrics; see UnreadableXray."""


class UnreadableXray(ValueError):
    """The bytes are not an image that can be analysed; the message is one sentence for a person.

    `reason` is one of REASONS. Less obvious ones: `unreadable` is damaged or no image,
    `unsupported` a valid file in an encoding that is not supported, `too_complex` more parts than
    an X-ray needs, `too_slow` more decoding time than any X-ray needs, `crashed` a file that
    crashed its decoder, `several` several images in one file. `not_chest` and `not_frontal` rely on
    the tags of a DICOM file.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def too_complex(parts: str) -> UnreadableXray:
    """The error for a header that claims or holds too many `parts`, a plural noun."""
    return UnreadableXray(
        f"The file holds far more {parts} than an X-ray needs; export it again without extras.",
        "too_complex",
    )


def contradictory() -> UnreadableXray:
    """The error for a header that two readers could interpret differently."""
    return UnreadableXray(
        "The headers of the file contradict each other; export the X-ray again.", "unreadable"
    )


def damaged() -> UnreadableXray:
    """The error for a header that ends too early or makes no sense."""
    return UnreadableXray(
        "The image file is damaged or incomplete; export it again and send the new file.",
        "unreadable",
    )


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise UnreadableXray for more than `max_pixels` and for a side below MIN_SIDE."""
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
    """Serialise large decodes: a lock to hold while decoding more than LARGE_PIXELS.

    It is shared by all threads, and, in a cage, by all children.
    """
    return _gate if width * height > LARGE_PIXELS else nullcontext()


def set_gate(gate: AbstractContextManager[object]) -> None:
    """Replace the lock of `one_if_large`: a cage's children share one that the worker holds."""
    global _gate  # noqa: PLW0603 - one for the process, set before anything is decoded
    _gate = gate
