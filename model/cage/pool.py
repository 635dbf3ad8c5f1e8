"""Reads untrusted X-rays in processes that can do nothing else.

`Cage.read` is `read_xray`, `model_input` and `encode_preview` behind a wall: a file that spins,
fills memory, ends its decoder or takes it over costs that X-ray and one child, which is replaced.
"""

import json
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model.cage.children import CageLost, Child, Ended, Garbled, Nursery, Overran
from model.cage.messages import ANSWER, ANSWER_HEAD, FAULT, LARGE, REFUSAL, REQUEST
from model.reading.limits import REASONS, UnreadableXray

__all__ = ["Cage", "CageFault", "CageLost", "CagedXray", "NoLongerWanted"]

log = logging.getLogger(__name__)

WALL_SECONDS, LARGE_WALL_SECONDS = 15, 30
"""For one X-ray, and for a large one from the moment that it has no other to wait for. Longer than
the limits of processor time in `model.cage.child`, for a busy machine; this ends what only
waits."""

_MAX_TEXT, _MAX_WARNINGS = 500, 20


class CageFault(RuntimeError):
    """The reader raised what it should not; says where."""


class NoLongerWanted(RuntimeError):
    """While it waited, the X-ray was deleted or judged elsewhere."""


@dataclass(frozen=True)
class CagedXray:
    """What is needed of an X-ray: `input` is (side, side, 1) float32 as of `model_input`, `preview`
    a JPEG; the rest as in `model.reading.xray.XrayImage`."""

    input: np.ndarray
    preview: bytes
    width: int
    height: int
    warnings: tuple[str, ...]


class Cage:
    """`children` processes that read X-rays, one each at a time; safe to call from threads."""

    def __init__(self, children: int, module: str = "model.cage.nursery") -> None:
        """Nothing is started until `start` or the first `read`."""
        self._module = module
        self._nursery: Nursery | None = None
        self._lock = threading.Lock()
        self._large = threading.Lock()
        self._count = children
        self._free: queue.SimpleQueue[Child | None] = queue.SimpleQueue()
        for _ in range(children):
            self._free.put(None)

    def start(self) -> None:
        """Order all children now, so that no X-ray waits for them."""
        for _ in range(self._count):
            self._free.put(self._free.get() or self._order())

    def check(self) -> None:
        """Wait until a child is ready. Raises CageLost when none can be started on this machine."""
        child = self._free.get() or self._order()
        try:
            child.wait_ready()
        finally:
            self._free.put(child)

    def read(
        self, data: bytes, max_pixels: int, side: int, wanted: Callable[[], bool] = lambda: True
    ) -> CagedXray:
        """Read an X-ray as `read_xray` does. `wanted` is asked after each wait for another X-ray.

        Raises UnreadableXray, also for a file that takes too long or ends its reader;
        NoLongerWanted; CageLost, after which the same X-ray may be tried again; CageFault.
        """
        child, waited = self._take()
        kept = None
        try:
            if waited and not wanted():
                kept = child
                raise NoLongerWanted
            if child is None or not child.lives:
                if child:
                    child.close()
                child = self._order()
            child.wait_ready()
            answer = self._ask(child, data, REQUEST.pack(len(data), max_pixels, side), wanted)
            xray = _unpack(answer, side)
            kept = child
            return xray
        finally:
            # A file that was refused may have left a child that it damaged.
            if child is not None and kept is None:
                child.close()
                kept = self._replace()
            self._free.put(kept)

    def _replace(self) -> Child | None:
        """A child that will be there for the next X-ray; None is ordered when it comes."""
        try:
            return self._order()
        except CageLost:
            return None

    def _take(self) -> tuple[Child | None, bool]:
        try:
            return self._free.get_nowait(), False
        except queue.Empty:
            return self._free.get(), True

    def _order(self) -> Child:
        try:
            with self._lock:
                if self._nursery is None or not self._nursery.lives:
                    self._nursery = Nursery(self._module)
                nursery = self._nursery
            return Child(nursery)
        except OSError as error:  # the nursery has just ended, or this system gives no more files
            raise CageLost("no child of the cage could be ordered") from error

    def _ask(self, child: Child, data: bytes, request: bytes, wanted: Callable[[], bool]) -> bytes:
        """The body of the answer. Raises what `read` raises."""
        entered, seconds = False, WALL_SECONDS
        try:
            child.show(data)
            child.send(request)
            letter, body = child.receive(time.monotonic() + seconds)
            if letter == LARGE:
                if not self._large.acquire(blocking=False):
                    self._large.acquire()
                    entered = True
                    if not wanted():
                        raise NoLongerWanted
                entered, seconds = True, LARGE_WALL_SECONDS
                child.send(b"G")
                letter, body = child.receive(time.monotonic() + seconds)
        except Overran:
            log.warning("a reader was ended after %d s", seconds)
            raise _too_slow(seconds) from None
        except Garbled:
            raise _crashed() from None
        except Ended:
            raise _explain(child.wait_end(), seconds) from None
        finally:
            if entered:
                self._large.release()
        if letter == ANSWER:
            return body
        raise _judge(letter, body)


def _too_slow(seconds: int) -> UnreadableXray:
    return UnreadableXray(
        f"The image could not be read in {seconds} seconds; export it again, smaller or with "
        "another compression.",
        "too_slow",
    )


def _crashed() -> UnreadableXray:
    return UnreadableXray(
        "The file ended the program that reads it, so it is damaged; export it again and send the "
        "new file.",
        "crashed",
    )


def _explain(status: int | None, seconds: int) -> Exception:
    """Why a child ended that was not asked to."""
    if status is None:
        return CageLost("the nursery of the cage ended")
    if not os.WIFSIGNALED(status):
        return _crashed()
    number = os.WTERMSIG(status)
    log.warning("a reader ended by %s", signal.Signals(number).name)
    if number == signal.SIGKILL:  # nothing inside sends it: the system's memory, or a person
        return CageLost("a child of the cage was killed")
    return _too_slow(seconds) if number == signal.SIGXCPU else _crashed()


def _judge(letter: bytes, body: bytes) -> Exception:
    """The refusal or the fault that a child answered; what it says is believed to no more than
    this."""
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


def _unpack(body: bytes, side: int) -> CagedXray:
    """Raises UnreadableXray for an answer that no reader gives."""
    size = 4 * side * side
    if len(body) < ANSWER_HEAD.size:
        raise _crashed()
    width, height, told, shown = ANSWER_HEAD.unpack_from(body)
    if len(body) != ANSWER_HEAD.size + told + size + shown:
        raise _crashed()
    start = ANSWER_HEAD.size + told
    try:
        warnings = json.loads(body[ANSWER_HEAD.size : start])
    except ValueError:
        raise _crashed() from None
    image = np.frombuffer(body, "<f4", side * side, start).reshape(side, side, 1)
    if not isinstance(warnings, list) or not all(map(_is_sentence, warnings)):
        raise _crashed()
    if len(warnings) > _MAX_WARNINGS or not np.isfinite(image).all():
        raise _crashed()
    return CagedXray(image, body[start + size :], width, height, tuple(warnings))
