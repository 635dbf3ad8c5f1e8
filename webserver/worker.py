"""gunicorn's threaded worker, hardened against slow clients (Slowloris) and endless bodies.

gunicorn's own worker assigns a thread to a connection before its request has arrived, and blocks
without a limit. Here the event loop buffers the head of each request and a small body, and a thread
gets a complete request. A thread reads a larger body itself, so that the application can check a
token first, and gives up on a client that is too slow (`webserver.body`). If a request is answered
before its body was read, the loop keeps reading for a while (lingering close), so that the client
receives the answer instead of a connection reset.
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
"""From the connection, or the first byte of a later request, until a thread can start on it."""

MAX_WAITING = 256
"""Incomplete requests that are held at a time; beyond it the oldest is dropped."""

SEND_SECONDS = 30
"""How long a client may take to read a response; the largest has 200 KB."""

LINGER_SECONDS = 30
"""How long the rest of an unread body is read: 30 MB at 1 MB/s."""

STEP = 64 * 1024

_CLOSE = b"Connection: close\r\nContent-Length: 0\r\n\r\n"


class PatientWorker(ThreadWorker):
    """The worker described above; `webserver.gunicorn_config` sets it as `worker_class`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[Any] = deque()
        self._turns = threading.BoundedSemaphore(max(1, self.cfg.threads // 2))

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and buffer its request before a thread handles it."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            # No free file descriptor: clients wait in the kernel's backlog until others disconnect.
            if error.errno in (errno.EAGAIN, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE):
                return
            raise
        self.nr_conns += 1
        self._collect(TConn(self.cfg, sock, client, listener.getsockname()), b"")

    def on_client_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Buffer the next request on a keep-alive connection."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._collect(conn, b"")

    def handle(self, conn: Any) -> Any:
        """Handle a complete request, in a thread."""
        if not conn.initialized:
            conn.init()
            conn.parser.unreader = SteadyReader(conn.sock, self._turns)
            conn.data_ready = True
        conn.parser.unreader.begin()
        conn.parser.unreader.unread(bytes(conn.request.data))
        conn.request = None
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Limit the time to send the response, and close the connection after an unread body."""
        conn.sock.settimeout(SEND_SECONDS)
        asked_to_close = req.should_close
        req.should_close = lambda: asked_to_close() or _is_unread(req)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Keep the connection alive, or close it once the client has received the response."""
        if fs.cancelled() or fs.exception() or not fs.result():
            self._linger(conn)
        elif ahead := conn.parser.unreader.take_buffered():
            self._collect(conn, ahead)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Close connections whose time to send a request, or to linger, is over."""
        now = time.monotonic()
        for waiting in (self.pending_conns, self._lingering):
            while waiting and waiting[0].timeout <= now:
                self._drop(waiting, waiting[0])

    def _cap_keepalive(self, deadline: float) -> None:
        """Shorten the time limits of all waiting connections to the worker's shutdown deadline."""
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
            _send_line(sock, b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _CLOSE)
            self._linger(conn)
        elif conn.request.expects_continue and not conn.sent_continue:
            conn.sent_continue = True
            _send_line(sock, b"HTTP/1.1 100 Continue\r\n\r\n")

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
    """The received bytes; b"" at the end of the connection, None if there are none yet."""
    try:
        return sock.recv(STEP)
    except BlockingIOError:
        return None
    except OSError:  # the connection is broken
        return b""


def _send_line(sock: socket.socket, line: bytes) -> None:
    try:
        sock.send(line)
    except OSError:  # the client has gone or does not read; its time runs out
        return


def _is_unread(req: Any) -> bool:
    """Whether part of the body has not been received from the client yet."""
    if req.body is None:
        return False
    reader = req.body.reader
    if hasattr(reader, "length"):
        return bool(reader.length > len(req.unreader.buf.getvalue()))
    return bool(getattr(reader, "parser", None) or req.body.failed)
