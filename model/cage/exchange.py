"""What a cage and one child say about one X-ray; what the child sends is not trusted."""

import json
import logging
import os
import re
import signal
import time
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from model.cage.children import MAX_ANSWER, CageLost, Child, Ended, Garbled, Overran
from model.cage.messages import ANSWER_HEAD, FAULT, LARGE, REFUSAL
from model.reading.ages import AGES, Age
from model.reading.limits import REASONS, UnreadableXray
from model.reading.views import VIEWS, View

log = logging.getLogger(__name__)

WALL_SECONDS, LARGE_WALL_SECONDS = 15, 30
"""Wall-clock limits for one X-ray, and for a large one once it has acquired the lock. They end a
child that only waits, and are longer than the limits of CPU time in `model.cage.child`, for a busy
machine."""

_MAX_TEXT, _MAX_WARNINGS, _MAX_DEVICE = 500, 20, 65

_REFERENCES = re.compile(
    r"(?:[0-9.]{3,64}\\){4}(?:-?\d{1,9}(?:\.\d{1,4})?\\){10}-?\d{1,9}(?:\.\d{1,4})?", re.ASCII
)
"""What `model.reading.dicom.references` writes, which this process must not import with pydicom."""


class CageFault(RuntimeError):
    """The reader raised an unexpected error; the message says where."""


@dataclass(frozen=True)
class CagedXray:
    """What serving needs of an X-ray: the (side, side, 1) float32 `input` of `model_input`; the
    rest is as in `model.reading.xray.XrayImage`, and of a DICOM the `device`, maker and model, and
    the `accession` number and `references` (`model.reading.dicom.references`), if asked for."""

    input: np.ndarray
    width: int
    height: int
    warnings: tuple[str, ...]
    age: Age = field(default="unknown", kw_only=True)
    view: View = field(default="unknown", kw_only=True)
    accession: str = field(default="", kw_only=True)
    device: str = field(default="", kw_only=True)
    references: str = field(default="", kw_only=True)
    burned_in: bool = field(default=False, kw_only=True)


class Exchange:
    """The messages about one X-ray."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._next: tuple[bytes, bytes] | None = None
        self.entered = False  # the lock for large X-rays
        self.seconds = WALL_SECONDS

    def send(self, message: bytes) -> None:
        """Raises as `receive` does."""
        try:
            self._child.send(message)
        except Ended:
            raise _explain(self._child.wait_end(), self.seconds) from None

    def is_large(self) -> bool:
        """Whether the child asks for the lock before it decodes. Raises as `receive` does."""
        letter, body = self._receive()
        if letter == LARGE:
            return True
        self._next = letter, body
        return False

    def receive(self, wanted: bytes, most: int = MAX_ANSWER) -> bytes:
        """The body, of `most` bytes, of the message `wanted`: ANSWER, PREVIEW or FILM.

        Raises as `Cage.read` does.
        """
        letter, body = self._next or self._receive(most)
        self._next = None
        if letter == wanted:
            return body
        raise _judge(letter, body)

    def _receive(self, most: int = MAX_ANSWER) -> tuple[bytes, bytes]:
        try:
            return self._child.receive(time.monotonic() + self.seconds, most)
        except Overran:
            log.warning("a reader was killed after %d s", self.seconds)
            raise _too_slow(self.seconds) from None
        except Garbled:
            raise _crashed() from None
        except Ended:
            raise _explain(self._child.wait_end(), self.seconds) from None


def _too_slow(seconds: int) -> UnreadableXray:
    return UnreadableXray(
        f"The image could not be read in {seconds} seconds; export it again, smaller or with "
        "another compression.",
        "too_slow",
    )


def _crashed() -> UnreadableXray:
    return UnreadableXray(
        "The file crashed the program that reads it, so it is probably damaged; export it again "
        "and send the new file.",
        "crashed",
    )


def _explain(status: int | None, seconds: int) -> Exception:
    """The error for a child that exited unexpectedly, by its status."""
    if status is None:
        return CageLost("the nursery of the cage exited")
    if not os.WIFSIGNALED(status):
        return _crashed()
    number = os.WTERMSIG(status)
    log.warning("a reader died of %s", signal.Signals(number).name)
    if number == signal.SIGKILL:  # a child cannot send it: the OOM killer or a person did
        return CageLost("a child of the cage was killed")
    return _too_slow(seconds) if number == signal.SIGXCPU else _crashed()


def _judge(letter: bytes, body: bytes) -> Exception:
    """The error for a refusal or fault that a child sent, which is validated, not trusted."""
    if letter == FAULT:
        return CageFault("the reader failed at\n" + body[:8192].decode(errors="replace"))
    try:
        sentence, reason = json.loads(body) if letter == REFUSAL else ("", "")
    except (ValueError, TypeError):
        return _crashed()
    if not _is_sentence(sentence) or reason not in REASONS:
        return _crashed()
    return UnreadableXray(sentence, reason)


def _is_sentence(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= _MAX_TEXT and text.isprintable()


def unpack(
    body: bytes, side: int, *, accession: bool = False, references: bool = False
) -> CagedXray:
    """Parse the body of an ANSWER, which has accession number and references only if asked for.

    Raises UnreadableXray if it is malformed.
    """
    size = 4 * side * side
    if len(body) < ANSWER_HEAD.size:
        raise _crashed()
    width, height, warning_bytes, age, view, *lengths, burned_in = ANSWER_HEAD.unpack_from(body)
    end = ANSWER_HEAD.size + warning_bytes
    _, after_number, after_device, start = accumulate(lengths, initial=end)
    if len(body) != start + size or age >= len(AGES) or view >= len(VIEWS):
        raise _crashed()
    try:
        warnings = json.loads(body[ANSWER_HEAD.size : end])
        number = body[end:after_number].decode()
        device = body[after_number:after_device].decode("ascii")
        uids = body[after_device:start].decode("ascii")
    except ValueError:
        raise _crashed() from None
    image = np.frombuffer(body, "<f4", side * side, start).reshape(side, side, 1)
    if not isinstance(warnings, list) or not all(map(_is_sentence, warnings)):
        raise _crashed()
    if len(warnings) > _MAX_WARNINGS or not np.isfinite(image).all():
        raise _crashed()
    if number and not (accession and number.isprintable()):
        raise _crashed()
    if uids and not (references and _REFERENCES.fullmatch(uids)):
        raise _crashed()
    if len(device) > _MAX_DEVICE or not device.isprintable():
        raise _crashed()
    return CagedXray(
        image,
        width,
        height,
        tuple(warnings),
        age=AGES[age],
        view=VIEWS[view],
        accession=number,
        device=device,
        references=uids,
        burned_in=burned_in,
    )
