"""The process that forks the children of a cage; only `model.cage.pool` starts it.

    python -m model.cage.nursery CONTROL

CONTROL is the number of an inherited socket. The process is single-threaded, has imported every
decoder, and holds no settings or secrets of the service; so a child starts in milliseconds and
shares its memory. It forks and kills children on request, reaps them, and reports their status.
"""

import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from model.cage.child import serve
from model.cage.messages import FAULT, FORK, HEAD, ORDER, STATUS
from model.cage.seal import die_with_parent, seal
from model.cage.warming import warm

CHANNEL, MEMORY = 3, 4
"""The file descriptors of a child, after the three standard ones, which are /dev/null."""

Serve = Callable[[socket.socket, int, bool], None]


def main(work: Serve = serve) -> None:
    """Fork, kill and reap children until the cage closes its end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # These reach all processes of a service or terminal, but only the cage ends its children.
        signal.signal(number, signal.SIG_IGN)
    warm()
    gc.collect()
    gc.freeze()  # the collector would write to pages that are shared with the children
    control = socket.socket(fileno=int(sys.argv[1]))
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    children: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _reap(children)
        if control.fileno() in ready:
            message, files, _, _ = socket.recv_fds(control, ORDER.size, 3)
            if len(message) < ORDER.size:
                _end(children)
                os._exit(0)  # the cage has closed its end
            order, pid = ORDER.unpack(message)
            if order == FORK:
                channel, memory, status = files
                pid = os.fork()
                if pid == 0:
                    _be_child(channel, memory, work)
                os.close(channel)
                os.close(memory)
                children[pid] = status
                _report(status, pid)
            elif pid in children:
                os.kill(pid, signal.SIGKILL)


def _reap(children: dict[int, int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        _report(children[pid], status)
        os.close(children.pop(pid))


def _end(children: dict[int, int]) -> None:
    """Kill and reap all children, which would otherwise stay zombies until init reaps them."""
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)


def _report(file: int, number: int) -> None:
    with suppress(BrokenPipeError):  # the cage has given up this child
        os.write(file, STATUS.pack(number))


def _be_child(channel: int, memory: int, work: Serve) -> None:
    """Never returns."""
    with LastWords() as last_words:
        die_with_parent()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        channel, memory = os.dup(channel), os.dup(memory)  # so that neither overwrites the other
        os.dup2(channel, CHANNEL)
        os.dup2(memory, MEMORY)
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in range(CHANNEL):
            os.dup2(nothing, standard)
        os.closerange(MEMORY + 1, os.sysconf("SC_OPEN_MAX"))
        connection = socket.socket(fileno=CHANNEL)
        last_words.channel = connection
        work(connection, MEMORY, seal(MEMORY + 1))


class LastWords:
    """Exits the child; reports where an error was raised, but not its message (patient data)."""

    def __init__(self) -> None:
        self.channel: socket.socket | None = None

    def __enter__(self) -> "LastWords":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and self.channel is not None:
            frames = traceback.extract_tb(trace)
            places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
            text = "\n".join([*places, kind.__name__]).encode()
            self.channel.sendall(HEAD.pack(FAULT, len(text)) + text)
        os._exit(0 if kind is None else 1)


if __name__ == "__main__":
    main()
