"""What a thread reads from a client: at least at a small rate, or it is given up."""

import threading
import time
from typing import Any

from gunicorn.http.unreader import SocketUnreader

GRACE_SECONDS = 30
"""How long a client may pause in all."""

MIN_BYTES_PER_SECOND = 64 * 1024
"""What it must send after that, on average; 25 MB may take almost seven minutes."""


class TooSlow(RuntimeError):
    """The client sends its body more slowly than anybody can wait for."""


class TooManySenders(RuntimeError):
    """As many threads wait for clients' bodies as may."""


class SteadyReader(SocketUnreader):
    """gunicorn's reader of a socket, which itself waits for ever.

    Reading raises TooSlow, or TooManySenders when all `turns` are taken by others that wait: the
    other threads stay free. A connection that breaks is a body that ends too early.
    """

    # gunicorn's 1 MB is held several times over by each of its buffers, for each of many uploads.
    max_body_chunk = 128 * 1024

    def __init__(self, sock: Any, turns: threading.Semaphore) -> None:
        super().__init__(sock)
        self._turns = turns
        self._received = 0
        self._started = time.monotonic()

    def begin(self) -> None:
        """Measure from here: the next request of the connection."""
        self._received, self._started = 0, time.monotonic()

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes, or none at the end."""
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
