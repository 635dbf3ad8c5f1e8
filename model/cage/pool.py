"""Reads untrusted X-rays in sandboxed processes.

`Cage.read` runs `read_xray`, `model_input` and `encode_preview` in a child process. A file that
makes its decoder loop, exhaust memory or crash, or that exploits it, fails that one X-ray and costs
one child, which is replaced.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

from model.cage.children import CageLost, Child, Nursery
from model.cage.exchange import LARGE_WALL_SECONDS, CagedXray, CageFault, Exchange, unpack
from model.cage.messages import ANSWER, FILM, NO_AGES, PREVIEW, REQUEST
from model.reading.ages import AgeBand
from model.reading.limits import UnreadableXray

__all__ = [
    "Cage",
    "CageFault",
    "CageLost",
    "CagedXray",
    "NoFilm",
    "NoLongerWanted",
    "PreviewedXray",
]

_PNG_BYTES = 1 << 20
"""What a PNG may have beyond its pixels: a table of 65,536 greys, and what cannot be deflated."""


class NoLongerWanted(RuntimeError):
    """While the X-ray waited, it was deleted or analysed elsewhere."""


class LargeBusy(RuntimeError):
    """Another large X-ray is being decoded."""


class NoFilm(RuntimeError):
    """The child could not make the film at its full depth, although it read the X-ray."""


@dataclass(frozen=True)
class PreviewedXray(CagedXray):
    """The same with its `preview`, a JPEG."""

    preview: bytes


@dataclass(frozen=True)
class Reading:
    """An X-ray that was read, while its child makes the preview.

    `wait_preview` returns the JPEG; it raises as `Cage.read` does. `wait_film`, after it and if the
    film was asked for, returns the PNG of `model.reading.full_film`; it raises NoFilm or CageLost.
    """

    xray: CagedXray
    wait_preview: Callable[[], bytes]
    wait_film: Callable[[], bytes]


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
        ages: AgeBand | None = None,
        wait_if_large: bool = True,
    ) -> PreviewedXray:
        """Read an X-ray as `read_xray` does. `wanted` is called after each wait for another X-ray.

        Raises UnreadableXray, also for a file that takes too long or crashes its reader;
        NoLongerWanted if `wanted` returns false; LargeBusy, without `wait_if_large`, for a large
        X-ray while another one is decoded; CageLost, after which a retry makes sense; and
        CageFault.
        """
        with self.begin(
            data, max_pixels, side, wanted, ages=ages, wait_if_large=wait_if_large
        ) as reading:
            return PreviewedXray(**vars(reading.xray), preview=reading.wait_preview())

    @contextmanager
    def begin(
        self,
        data: bytes,
        max_pixels: int,
        side: int,
        wanted: Callable[[], bool] = lambda: True,
        *,
        ages: AgeBand | None = None,
        wait_if_large: bool = True,
        film: bool = False,
        accession: bool = False,
        references: bool = False,
    ) -> Iterator[Reading]:
        """The same, but yields when the input is there, and its child makes the preview meanwhile.

        Then it makes the `film`, if asked for. Only with `accession` does the accession number of a
        DICOM leave the child, and only with `references` what says which object of which study it
        is. A block that ends without an error waits for both.
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
            years = (ages.youngest, ages.oldest) if ages else NO_AGES
            request = REQUEST.pack(len(data), max_pixels, side, *years, film, accession, references)
            with self._ask(child, data, request, wanted, wait_if_large) as exchange:
                body = exchange.receive(ANSWER)
                xray = unpack(body, side, accession=accession, references=references)
                most = 2 * max_pixels + _PNG_BYTES
                reading = Reading(
                    xray,
                    cache(partial(exchange.receive, PREVIEW)),
                    cache(partial(_wait_film, exchange, most)),
                )
                yield reading
                reading.wait_preview()  # else the next X-ray would receive it
                if film:
                    reading.wait_film()
            kept = child
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

    @contextmanager
    def _ask(
        self,
        child: Child,
        data: bytes,
        request: bytes,
        wanted: Callable[[], bool],
        wait_if_large: bool,
    ) -> Iterator[Exchange]:
        """Send the request, and hold the lock for large X-rays while a large one is read."""
        exchange = Exchange(child)
        try:
            child.show(data)
            exchange.send(request)
            if exchange.is_large():
                if not self._large.acquire(blocking=False):
                    if not wait_if_large:
                        raise LargeBusy
                    self._large.acquire()
                    exchange.entered = True
                    if not wanted():
                        raise NoLongerWanted
                exchange.entered, exchange.seconds = True, LARGE_WALL_SECONDS
                exchange.send(b"G")
            yield exchange
        finally:
            if exchange.entered:
                self._large.release()


def _wait_film(exchange: Exchange, most: int) -> bytes:
    try:
        return exchange.receive(FILM, most)
    except (UnreadableXray, CageFault) as error:
        raise NoFilm(str(error)) from error
