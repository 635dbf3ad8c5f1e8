"""gunicorn's worker with threads, made safe against clients that are slow, silent or endless.

gunicorn's own gives a thread to a connection before its request is there, and waits in it without
a limit. Here the worker's loop, which waits for all sockets at once, collects each request's head
and a small body; a thread gets what is complete. A larger body is read by a thread, so that an
application can ask for a token first, and is given up when it comes too slowly (`webserver.body`).
Where a request was answered before its body was read, the loop reads on for a while, so that the
sender hears the answer instead of a reset connection.
"""

import errno
import selectors
import socket
import threading
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from webserver.body import SteadyReader
from webserver.request import PartialRequest

REQUEST_SECONDS = 10
"""From the first byte, or the connection, until a request is complete enough for a thread."""

MAX_WAITING = 256
"""Incomplete requests that are kept at a time; then the oldest gives way."""

SEND_SECONDS = 30
"""How long a client may take to read an answer, 200 KB at most, before it is given up."""

LINGER_SECONDS = 30
"""How long an unread body is read on: 30 MB at 1 MB/s."""

STEP = 64 * 1024

_CLOSE = b"Connection: close\r\nContent-Length: 0\r\n\r\n"


class PatientWorker(ThreadWorker):
    """See the module. Used as `worker_class` in the services' configuration of gunicorn."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[Any] = deque()
        self._turns = threading.BoundedSemaphore(max(1, self.cfg.threads // 2))

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; its request is collected before a thread sees it."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            # Out of files: clients wait in the kernel's queue until others have gone.
            if error.errno in (errno.EAGAIN, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE):
                return
            raise
        self.nr_conns += 1
        self._collect(TConn(self.cfg, sock, client, listener.getsockname()), b"")

    def on_client_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """The next request on a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._collect(conn, b"")

    def handle(self, conn: Any) -> Any:
        """Answer a complete request, in a thread."""
        if not conn.initialized:
            conn.init()
            conn.parser.unreader = SteadyReader(conn.sock, self._turns)
            conn.data_ready = True
        conn.parser.unreader.begin()
        conn.parser.unreader.unread(bytes(conn.request.data))
        conn.request = None
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Bound the time that the answer may take, and close after a body that was not read."""
        conn.sock.settimeout(SEND_SECONDS)
        asked_to_close = req.should_close
        req.should_close = lambda: asked_to_close() or _is_unread(req)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Keep the connection for its next request, or read on until the client has heard."""
        if fs.cancelled() or fs.exception() or not fs.result():
            self._linger(conn)
        elif ahead := conn.parser.unreader.take_buffered():
            self._collect(conn, ahead)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Close what did not become a request in time, and what was read on long enough."""
        now = time.monotonic()
        for waiting in (self.pending_conns, self._lingering):
            while waiting and waiting[0].timeout <= now:
                self._drop(waiting, waiting[0])

    def _cap_keepalive(self, deadline: float) -> None:
        """A worker that stops waits for nobody who has sent nothing, nor reads on for long."""
        super()._cap_keepalive(deadline)
        for conn in (*self.pending_conns, *self._lingering):
            conn.timeout = min(conn.timeout, deadline)

    def _collect(self, conn: Any, ahead: bytes) -> None:
        conn.request = PartialRequest()
        conn.sent_continue = False
        conn.request.add(ahead)
        if conn.request.is_complete():
            self.enqueue_req(conn)
            return
        if len(self.pending_conns) >= MAX_WAITING:
            self._drop(self.pending_conns, self.pending_conns[0])
        self._wait_in(self.pending_conns, conn, REQUEST_SECONDS, self._on_received)

    def _on_received(self, conn: Any, sock: socket.socket) -> None:
        data = _receive(sock)
        if data is None:
            return
        conn.request.add(data)
        if conn.request.is_complete() or (not data and conn.request.has_head):
            self._leave(self.pending_conns, conn)
            self.enqueue_req(conn)
        elif not data:
            self._drop(self.pending_conns, conn)
        elif conn.request.is_too_large:
            self._leave(self.pending_conns, conn)
            _say(sock, b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _CLOSE)
            self._linger(conn)
        elif conn.request.expects_continue and not conn.sent_continue:
            conn.sent_continue = True
            _say(sock, b"HTTP/1.1 100 Continue\r\n\r\n")

    def _linger(self, conn: Any) -> None:
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:  # the client closed first
            self._close(conn)
            return
        self._wait_in(self._lingering, conn, LINGER_SECONDS, self._on_rest)

    def _on_rest(self, conn: Any, sock: socket.socket) -> None:
        if _receive(sock) == b"":
            self._drop(self._lingering, conn)

    def _wait_in(self, waiting: deque[Any], conn: Any, seconds: float, then: Any) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + seconds
        waiting.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(then, conn))

    def _leave(self, waiting: deque[Any], conn: Any) -> None:
        self.poller.unregister(conn.sock)
        waiting.remove(conn)

    def _drop(self, waiting: deque[Any], conn: Any) -> None:
        self._leave(waiting, conn)
        self._close(conn)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()


def _receive(sock: socket.socket) -> bytes | None:
    """What has come, b"" at the end of the connection, None for nothing yet."""
    try:
        return sock.recv(STEP)
    except BlockingIOError:
        return None
    except OSError:  # broken off
        return b""


def _say(sock: socket.socket, line: bytes) -> None:
    try:
        sock.send(line)
    except OSError:  # the client has gone, or reads nothing: its time runs out
        return


def _is_unread(req: Any) -> bool:
    """Whether some of the request's body has not come from its client yet."""
    if req.body is None:
        return False
    reader = req.body.reader
    if hasattr(reader, "length"):
        return bool(reader.length > len(req.unreader.buf.getvalue()))
    return bool(getattr(reader, "parser", None) or req.body.failed)
