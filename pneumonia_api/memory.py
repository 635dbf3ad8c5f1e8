"""How many bytes of uploads are in memory at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MEMORY_BYTES = 64 * 1024 * 1024
"""Uploads that are held in memory at a time, while they are checked and copied to S3."""

MEMORY_SECONDS = 5
"""How long an upload waits for its part of it: checking takes milliseconds, copying rarely 1 s."""


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
