"""A proxy before Redis that cuts the connection at the n-th reply."""

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from urllib.parse import urlsplit

_AGGREGATES = b"*~>%|"


class Cut(Enum):
    """How the connection ends."""

    LOST = "the command of the n-th reply was carried out, but its reply never arrives"
    IDLE = "the n-th reply arrives whole, and the connection ends after it"
    AWAY = "as LOST, and Redis takes no connection until it is let back"


def find_end(data: bytes, start: int) -> int | None:
    """Where the RESP reply that begins at `start` ends; None while it is not whole."""
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, value, end = data[start : start + 1], data[start + 1 : line_end], line_end + 2
    if kind in (b"$", b"=", b"!"):
        whole = end + int(value) + 2 if int(value) >= 0 else end
        return whole if whole <= len(data) else None
    if kind in _AGGREGATES:
        count = int(value) * (2 if kind in b"%|" else 1)
        for _ in range(count):
            part_end = find_end(data, end)
            if part_end is None:
                return None
            end = part_end
    return end


class CuttingProxy:
    """Passes bytes on, and counts the replies of all connections since `arm`."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._left: int | None = None
        self._how = Cut.LOST
        self._away = False
        self.has_cut = False

    def arm(self, n: int, how: Cut, fresh: bool = True) -> None:
        """Cut at the n-th reply from now on, once; with `fresh`, open connections end first."""
        self.let_back()
        if fresh:
            self.close_all()
        with self._lock:
            self._left, self._how, self.has_cut = n, how, False

    def take_away(self) -> None:
        """End the open connections, and take no other, until `let_back`."""
        with self._lock:
            self._away = True
        self.close_all()

    def let_back(self) -> None:
        """Redis takes connections, and nothing is cut."""
        with self._lock:
            self._left, self._away = None, False

    def serve(self, client: socket.socket) -> None:
        """Pass one connection on until either side ends it."""
        with socket.create_connection(self._upstream) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._away:
                    return
                self._pairs.add((client, server))
            self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        pair = (client, server)
        commands = threading.Thread(target=self._pass_commands, args=pair)
        commands.start()
        try:
            self._pass_replies(client, server)
        except OSError:
            pass  # the other side has gone
        finally:
            _end(client, server)
            commands.join()
            with self._lock:
                self._pairs.discard(pair)

    def _pass_commands(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
        _end(server)

    def _pass_replies(self, client: socket.socket, server: socket.socket) -> None:
        buffer = b""
        while data := server.recv(65536):
            buffer += data
            start = 0
            while start < len(buffer) and (end := find_end(buffer, start)) is not None:
                cut = self._count()
                if cut is not Cut.LOST and cut is not Cut.AWAY:
                    client.sendall(buffer[start:end])
                if cut is Cut.AWAY:
                    self.close_all()
                if cut is not None:
                    return
                start = end
            buffer = buffer[start:]

    def _count(self) -> Cut | None:
        with self._lock:
            if self._left is None:
                return None
            self._left -= 1
            if self._left:
                return None
            self._left, self.has_cut = None, True
            self._away = self._how is Cut.AWAY
            return self._how

    def close_all(self) -> None:
        """End the open connections."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            _end(*pair)


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(redis_url: str) -> Iterator[tuple[CuttingProxy, str]]:
    """The proxy before the Redis of `redis_url`, and the address to use instead."""
    parts = urlsplit(redis_url)
    proxy = CuttingProxy((str(parts.hostname), int(parts.port or 6379)))

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            proxy.serve(self.request)

    class Server(socketserver.ThreadingTCPServer):
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            port = server.server_address[1]
            yield proxy, re.sub(r"(?<=:)\d+(?=/)", str(port), redis_url)
        finally:
            server.shutdown()
            thread.join()
            proxy.take_away()  # so that the threads of all connections end with the server


def cut_everywhere(
    proxy: CuttingProxy, how: Cut, live: Callable[[], None], check: Callable[[int], None]
) -> int:
    """Run `live` with a cut at reply 1, 2, ... until it needs no more replies; how many there were.

    `check(n)` judges each time what is left, with the cut at n mended.
    """
    n = 0
    while True:
        proxy.arm(n + 1, how)
        live()
        if not proxy.has_cut:
            return n
        n += 1
        proxy.let_back()
        check(n)
