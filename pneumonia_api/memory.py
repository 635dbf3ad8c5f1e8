"""How many bytes of uploads are in memory at a time."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MEMORY_BYTES = 64 * 1024 * 1024
"""Uploads that are held in memory at a time, while they are checked and copied to S3."""

MEMORY_SECONDS = 5
"""How long an upload waits for its part of it: checking takes milliseconds, copying rarely 1 s."""


_M_MMAP_THRESHOLD = -3  # malloc.h


def return_freed_memory() -> None:
    """Have the C library give an upload's memory back when it is freed.

    glibc takes a freed block of some megabytes as a sign to keep such blocks, in each of the pools
    that its threads share: hundreds of megabytes that nobody uses. Fixing the threshold ends that.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_M_MMAP_THRESHOLD, 1024 * 1024)


class TooBusy(RuntimeError):
    """As many uploads are in hand as there is memory for."""


class MemoryBudget:
    """How many bytes of uploads may be in memory at a time, whoever sends them."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Have `size` bytes of it for the block. Raises TooBusy."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= size, MEMORY_SECONDS):
                raise TooBusy
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()
