"""The service's handles on the processes of a cage: the nursery, and each child that it forks."""

import logging
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path

from model.cage.messages import FORK, HEAD, KILL, ORDER, STATUS, UNFILTERED

log = logging.getLogger(__name__)

START_SECONDS = 60
"""To wait for a child: the nursery needs half a second for its imports, more on a busy machine."""

END_SECONDS = 5
"""To wait for the exit of a child that closed its end."""

MAX_ANSWER = 16 << 20
"""Bytes: a preview has at most 1,024 x 1,024 pixels, an input 224 x 224."""

_KEPT = ("PATH", "LD_LIBRARY_PATH")
"""The environment variables that starting the nursery requires."""


class Overran(Exception):
    """The child did not answer in time."""


class Ended(Exception):
    """The child closed its end."""


class Garbled(Exception):
    """The child broke the protocol."""


class CageLost(RuntimeError):
    """A child was killed from outside, or could not be started; the X-ray is not to blame."""


class Nursery:
    """The process that forks children; see `model.cage.nursery`. It exits with this object."""

    def __init__(self, module: str) -> None:
        self._control, theirs = socket.socketpair()
        # Not the whole environment, which holds the secrets of the service.
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno())],
                cwd=Path(__file__).resolve().parents[2],
                env={**kept, "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._lock = threading.Lock()
        weakref.finalize(self, _end, self._process, self._control)

    @property
    def lives(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def fork(self, *files: int) -> None:
        """Order a child with these file descriptors. Raises OSError if the nursery has exited."""
        with self._lock:
            socket.send_fds(self._control, [ORDER.pack(FORK, 0)], list(files))

    def kill(self, pid: int) -> None:
        """Kill a child unless it has exited; the nursery checks that the pid was not reused."""
        with self._lock, suppress(OSError):
            self._control.sendall(ORDER.pack(KILL, pid))


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    process.wait()


class Child:
    """A handle on one child; not thread-safe."""

    def __init__(self, nursery: Nursery) -> None:
        """Order the child; `wait_ready` returns when it has started. Raises OSError."""
        self._nursery = nursery
        self._pid = 0
        self._memory = _share_memory()
        self._channel, theirs = socket.socketpair()
        self._status, status = os.pipe()
        self._release = weakref.finalize(self, _close, self._channel, self._memory, self._status)
        with theirs:
            try:
                nursery.fork(theirs.fileno(), self._memory, status)
            finally:
                os.close(status)
        self._ready = select.poll()
        self._ready.register(self._channel, select.POLLIN)
        self._ended = select.poll()
        self._ended.register(self._status, select.POLLIN)

    @property
    def lives(self) -> bool:
        """Whether no exit was observed."""
        return not self._pid or not self._ended.poll(0)

    def wait_ready(self) -> None:
        """Wait until the child has started. Raises CageLost."""
        if self._pid:
            return
        try:
            letter, _ = self.receive(time.monotonic() + START_SECONDS)
        except (Overran, Ended, Garbled):
            raise CageLost("no child of the cage could be started") from None
        self._pid = self._read_status() or 0
        if letter == UNFILTERED:
            _warn_once()

    def send(self, message: bytes) -> None:
        """Send a message to the child. Raises Ended."""
        try:
            self._channel.sendall(message)
        except ConnectionError:
            raise Ended from None

    def show(self, data: bytes) -> None:
        """Replace the content of the shared memory by an upload."""
        os.ftruncate(self._memory, 0)
        os.pwrite(self._memory, data, 0)

    def receive(self, deadline: float, most: int = MAX_ANSWER) -> tuple[bytes, bytes]:
        """Letter and body, of `most` bytes, of one message, before `deadline` of `time.monotonic`.

        Raises Overran, Ended or Garbled.
        """
        letter, length = HEAD.unpack(self._take(HEAD.size, deadline))
        if length > most:
            raise Garbled
        return letter, self._take(length, deadline)

    def _take(self, size: int, deadline: float) -> bytes:
        taken = bytearray()
        while len(taken) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not self._ready.poll(left * 1000):
                raise Overran
            try:
                part = self._channel.recv(size - len(taken))
            except ConnectionError:
                raise Ended from None
            if not part:
                raise Ended
            taken += part
        return bytes(taken)

    def wait_end(self) -> int | None:
        """The exit status by `os.waitpid`; None if it is unknown because the nursery died as well.

        A child that closed its end but keeps running counts as exited with 0.
        """
        return self._read_status() if self._ended.poll(END_SECONDS * 1000) else 0

    def _read_status(self) -> int | None:
        number = os.read(self._status, STATUS.size)
        return STATUS.unpack(number)[0] if len(number) == STATUS.size else None

    def close(self) -> None:
        """Kill the child unless it has exited, and release the last upload."""
        if self._pid:
            self._nursery.kill(self._pid)
        self._release()


def _close(channel: socket.socket, *files: int) -> None:
    channel.close()
    for file in files:
        os.close(file)


def _share_memory() -> int:
    """A file descriptor of memory to share with a child."""
    if sys.platform == "linux":
        return os.memfd_create("upload")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


_warned = threading.Event()


def _warn_once() -> None:
    if not _warned.is_set():
        _warned.set()
        log.warning("this system filters no system calls: only resource limits confine the readers")
