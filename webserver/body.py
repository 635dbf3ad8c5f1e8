"""Reads request bodies, and gives up on a client that sends more slowly than a minimum rate."""

import threading
import time
from typing import Any

from gunicorn.http.unreader import SocketUnreader

GRACE_SECONDS = 30
"""Total time that a client may pause, in seconds."""

MIN_BYTES_PER_SECOND = 64 * 1024
"""Minimum average rate after that; 25 MB may take almost seven minutes."""


class TooSlow(RuntimeError):
    """The client sends its body below the minimum rate."""


class TooManySenders(RuntimeError):
    """As many threads as allowed are waiting for the bodies of clients."""


class SteadyReader(SocketUnreader):
    """gunicorn's socket reader with a time limit; gunicorn's own blocks for ever.

    Reading raises TooSlow. It raises TooManySenders if `turns`, which bounds the threads that block
    on slow clients, is exhausted, so that other threads stay free. A broken connection reads as the
    end of the body.
    """

    # gunicorn's 1 MB is held several times over in its buffers, for every upload.
    max_body_chunk = 128 * 1024

    def __init__(self, sock: Any, turns: threading.Semaphore) -> None:
        super().__init__(sock)
        self._turns = turns
        self._received = 0
        self._started = time.monotonic()

    def begin(self) -> None:
        """Start measuring for the next request on the connection."""
        self._received, self._started = 0, time.monotonic()

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes; empty at the end."""
        before = self.sock.gettimeout()
        self.sock.setblocking(False)
        try:
            data: bytes = super().chunk(size_hint)
        except BlockingIOError:
            data = self._wait(size_hint)
        except ConnectionError:
            return b""
        finally:
            self.sock.settimeout(before)
        self._received += len(data)
        return data

    def _wait(self, size_hint: int | None) -> bytes:
        due = self._started + GRACE_SECONDS + self._received / MIN_BYTES_PER_SECOND
        if (left := due - time.monotonic()) <= 0:
            raise TooSlow
        if not self._turns.acquire(blocking=False):
            raise TooManySenders
        self.sock.settimeout(left)
        try:
            data: bytes = super().chunk(size_hint)
        except TimeoutError as error:
            raise TooSlow from error
        except ConnectionError:
            return b""
        finally:
            self._turns.release()
        return data
