"""The processes of a cage as seen from outside: the nursery, and each child that it forks."""

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
"""Until a child must be there: half a second of imports, on a machine that does much else."""

END_SECONDS = 5
"""Until a child that closed its end must have ended."""

_MAX_ANSWER = 16 << 20
"""Bytes: a preview has at most 1,024 x 1,024 pixels, the input 224 x 224."""

_KEPT = ("PATH", "LD_LIBRARY_PATH")
"""What the nursery needs of the environment to be started."""


class Overran(Exception):
    """No answer in time."""


class Ended(Exception):
    """The child closed its end."""


class Garbled(Exception):
    """The child speaks otherwise than a child does."""


class CageLost(RuntimeError):
    """A child was killed from outside, or could not be started: no fault of the X-ray."""


class Nursery:
    """The process that forks children; see `model.cage.nursery`. It ends when this object goes."""

    def __init__(self, module: str) -> None:
        self._control, theirs = socket.socketpair()
        # Nothing of this process's environment, which holds the secrets of the service.
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
        """Whether it can be asked for children."""
        return self._process.poll() is None

    def fork(self, *files: int) -> None:
        """Order a child with these files. Raises OSError when the nursery is gone."""
        with self._lock:
            socket.send_fds(self._control, [ORDER.pack(FORK, 0)], list(files))

    def kill(self, pid: int) -> None:
        """End a child if it has not ended: the nursery knows which process the number means."""
        with self._lock, suppress(OSError):
            self._control.sendall(ORDER.pack(KILL, pid))


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    process.wait()


class Child:
    """This end of one child; used by one thread at a time."""

    def __init__(self, nursery: Nursery) -> None:
        """Order it; `wait_ready` returns when it is there. Raises OSError."""
        self._nursery = nursery
        self._pid = 0
        self._memory = _share_memory()
        self._channel, theirs = socket.socketpair()
        self._status, status = os.pipe()
        self._forget = weakref.finalize(self, _close, self._channel, self._memory, self._status)
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
        """Whether it was not seen to end."""
        return not self._pid or not self._ended.poll(0)

    def wait_ready(self) -> None:
        """Raises CageLost when it does not come."""
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
        """Raises Ended."""
        try:
            self._channel.sendall(message)
        except ConnectionError:
            raise Ended from None

    def show(self, data: bytes) -> None:
        """Put the upload where the child reads it, in place of the one before."""
        os.ftruncate(self._memory, 0)
        os.pwrite(self._memory, data, 0)

    def receive(self, deadline: float) -> tuple[bytes, bytes]:
        """One answer before `deadline`, a time of CLOCK_MONOTONIC.

        Raises Overran, Ended or Garbled.
        """
        letter, length = HEAD.unpack(self._take(HEAD.size, deadline))
        if length > _MAX_ANSWER:
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
        """How it ended, as of `os.waitpid`; None when nobody knows, for the nursery ended too.

        One that closed its end and lives on counts as one that ended by itself.
        """
        return self._read_status() if self._ended.poll(END_SECONDS * 1000) else 0

    def _read_status(self) -> int | None:
        told = os.read(self._status, STATUS.size)
        return STATUS.unpack(told)[0] if len(told) == STATUS.size else None

    def close(self) -> None:
        """End it if it has not ended, and forget the last upload."""
        if self._pid:
            self._nursery.kill(self._pid)
        self._forget()


def _close(channel: socket.socket, *files: int) -> None:
    channel.close()
    for file in files:
        os.close(file)


def _share_memory() -> int:
    """An open file that lies in memory and nowhere else, and can be given to a child."""
    if sys.platform == "linux":
        return os.memfd_create("upload")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


_warned = threading.Event()


def _warn_once() -> None:
    if not _warned.is_set():
        _warned.set()
        log.warning("this system filters no system calls: X-rays are read under limits alone")
