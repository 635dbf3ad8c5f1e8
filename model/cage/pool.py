"""Reads untrusted X-rays in sandboxed processes.

`Cage.read` runs `read_xray`, `model_input` and `encode_preview` in a child process. A file that
makes its decoder loop, exhaust memory or crash, or that exploits it, fails that one X-ray and costs
one child, which is replaced.
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
"""Wall-clock limits for one X-ray, and for a large one once it has acquired the lock. They end a
child that only waits, and are longer than the limits of CPU time in `model.cage.child`, for a busy
machine."""

_MAX_TEXT, _MAX_WARNINGS = 500, 20


class CageFault(RuntimeError):
    """The reader raised an unexpected error; the message says where."""


class NoLongerWanted(RuntimeError):
    """While the X-ray waited, it was deleted or analysed elsewhere."""


class LargeBusy(RuntimeError):
    """Another large X-ray is being decoded."""


@dataclass(frozen=True)
class CagedXray:
    """What serving needs of an X-ray: the (side, side, 1) float32 `input` of `model_input` and the
    `preview` as a JPEG; the rest is as in `model.reading.xray.XrayImage`."""

    input: np.ndarray
    preview: bytes
    width: int
    height: int
    warnings: tuple[str, ...]


class Cage:
    """`children` processes, each of which reads one X-ray at a time; thread-safe."""

    def __init__(self, children: int, module: str = "model.cage.nursery") -> None:
        """Processes start with `start`, or with the first `read`."""
        self._module = module
        self._nursery: Nursery | None = None
        self._lock = threading.Lock()
        self._large = threading.Lock()
        self._count = children
        self._free: queue.SimpleQueue[Child | None] = queue.SimpleQueue()
        for _ in range(children):
            self._free.put(None)

    def start(self) -> None:
        """Order all children now, so that no X-ray has to wait for one."""
        for _ in range(self._count):
            self._free.put(self._free.get() or self._order())

    def check(self) -> None:
        """Wait until a child is ready. Raises CageLost when none can be started on this machine."""
        child = self._free.get() or self._order()
        try:
            child.wait_ready()
        finally:
            self._free.put(child)

    @property
    def decodes_large(self) -> bool:
        """Whether a large X-ray is being decoded; another large one would have to wait."""
        return self._large.locked()

    def read(
        self,
        data: bytes,
        max_pixels: int,
        side: int,
        wanted: Callable[[], bool] = lambda: True,
        *,
        wait_if_large: bool = True,
    ) -> CagedXray:
        """Read an X-ray as `read_xray` does. `wanted` is called after each wait for another X-ray.

        Raises UnreadableXray, also for a file that takes too long or crashes its reader;
        NoLongerWanted if `wanted` returns false; LargeBusy, without `wait_if_large`, for a large
        X-ray while another one is decoded; CageLost, after which a retry makes sense; and
        CageFault.
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
            request = REQUEST.pack(len(data), max_pixels, side)
            answer = self._ask(child, data, request, wanted, wait_if_large)
            xray = _unpack(answer, side)
            kept = child
            return xray
        finally:
            # A refused file may have corrupted the child.
            if child is not None and kept is None:
                child.close()
                kept = self._replace()
            self._free.put(kept)

    def _replace(self) -> Child | None:
        """A child for the next X-ray, or None, which means that the next X-ray orders one."""
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
        except OSError as error:  # the nursery has just exited, or descriptors have run out
            raise CageLost("the cage could not order a child") from error

    def _ask(
        self,
        child: Child,
        data: bytes,
        request: bytes,
        wanted: Callable[[], bool],
        wait_if_large: bool,
    ) -> bytes:
        """The body of the answer. Raises as `read` does."""
        entered, seconds = False, WALL_SECONDS
        try:
            child.show(data)
            child.send(request)
            letter, body = child.receive(time.monotonic() + seconds)
            if letter == LARGE:
                if not self._large.acquire(blocking=False):
                    if not wait_if_large:
                        raise LargeBusy
                    self._large.acquire()
                    entered = True
                    if not wanted():
                        raise NoLongerWanted
                entered, seconds = True, LARGE_WALL_SECONDS
                child.send(b"G")
                letter, body = child.receive(time.monotonic() + seconds)
        except Overran:
            log.warning("a reader was killed after %d s", seconds)
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


def _unpack(body: bytes, side: int) -> CagedXray:
    """Parse the body of an answer. Raises UnreadableXray if it is malformed."""
    size = 4 * side * side
    if len(body) < ANSWER_HEAD.size:
        raise _crashed()
    width, height, warning_bytes, preview_bytes = ANSWER_HEAD.unpack_from(body)
    start = ANSWER_HEAD.size + warning_bytes
    if len(body) != start + size + preview_bytes:
        raise _crashed()
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
