"""What is refused, whatever the format of the file."""

import threading
from contextlib import AbstractContextManager, nullcontext

MIN_SIDE = 100
"""Shortest side accepted, in pixels; below it neither a person nor the network sees a lung."""

MAX_PIXELS = 60_000_000
"""Pixel limit when the caller names none: a 7,700 px square, above any digital detector."""

LARGE_PIXELS = 10_000_000
"""Above it one image is decoded at a time: a worker's threads share the host's memory."""

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
"""Why a file is refused, in a word that can be counted; see UnreadableXray."""


class UnreadableXray(ValueError):
    """The bytes are not an image that can be judged; the message is one sentence for a person.

    `reason` is one of REASONS: damaged or no image (`unreadable`), stored in a way that is not read
    (`unsupported`), built of more parts than an X-ray needs (`too_complex`), more work to decode
    than any X-ray is (`too_slow`), the end of its decoder (`crashed`), several images in one file,
    or, by the tags of a DICOM, another examination.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def too_complex(parts: str) -> UnreadableXray:
    """For a header that claims or holds too many `parts`, which are named in the sentence."""
    return UnreadableXray(
        f"The file holds far more {parts} than an X-ray needs; export it again without extras.",
        "too_complex",
    )


def contradictory() -> UnreadableXray:
    """For a header that two readers could understand in two ways."""
    return UnreadableXray(
        "The file describes its picture in ways that contradict each other; export it again.",
        "unreadable",
    )


def damaged() -> UnreadableXray:
    """For a header that ends too early or makes no sense."""
    return UnreadableXray(
        "The image file is damaged or incomplete; export it again and send the new file.",
        "unreadable",
    )


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
    """Decode within it: more than LARGE_PIXELS wait for each other, in all threads and cages."""
    return _gate if width * height > LARGE_PIXELS else nullcontext()


def set_gate(gate: AbstractContextManager[object]) -> None:
    """Let large images wait at `gate`: in a cage the worker keeps it, for all of its cages."""
    global _gate  # noqa: PLW0603 - one for the process, set before anything is decoded
    _gate = gate
