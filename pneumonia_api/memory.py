"""Bounds how many bytes of uploads are in memory at a time."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MEMORY_BYTES = 64 * 1024 * 1024
"""Bytes of all uploads that are in memory to be checked or copied to S3."""

MEMORY_SECONDS = 5
"""How long an upload waits for its share: checking takes milliseconds, copying rarely 1 s."""


_M_MMAP_THRESHOLD = -3  # malloc.h


def return_freed_memory() -> None:
    """Have glibc return the memory of a freed upload to the operating system.

    By default glibc raises its mmap threshold after it frees a block of some megabytes, and from
    then on keeps such blocks in the arenas of its threads: hundreds of unused megabytes. A fixed
    threshold prevents that.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_M_MMAP_THRESHOLD, 1024 * 1024)


class TooBusy(RuntimeError):
    """All memory for uploads is in use."""


class MemoryBudget:
    """Bytes of memory that all uploads share."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Reserve `size` bytes for the block. Raises TooBusy after MEMORY_SECONDS."""
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
