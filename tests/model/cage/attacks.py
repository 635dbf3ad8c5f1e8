"""A nursery with an exploited decoder: it does what the upload says.

    python -m tests.model.cage.attacks CONTROL

`b"attack NAME ARGUMENT"` runs the attack of that name; anything else is read as usual. Attacks call
the C library, as injected code would, and raise OSError if the system refuses.
"""

import ctypes
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial

import model.cage.child
from model.cage.child import serve
from model.cage.nursery import main
from model.reading.ages import AgeBand
from model.reading.limits import LARGE_PIXELS, one_if_large
from model.reading.xray import XrayImage, read_xray

libc = ctypes.CDLL(None, use_errno=True)
PREFIX = b"attack "


def check(result: int) -> int:
    """The result of a call of the C library. Raises OSError."""
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def write_file(path: str) -> None:
    """Write a file."""
    file = check(libc.open(path.encode(), os.O_CREAT | os.O_WRONLY, 0o600))
    check(libc.write(file, b"secret", 6))


def read_file(path: str) -> None:
    """Read a secret of the service."""
    check(libc.open(path.encode(), os.O_RDONLY))


def connect(port: str) -> None:
    """Open a network connection."""
    check(libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
    socket.create_connection(("127.0.0.1", int(port)), 5)


def fork(path: str) -> None:
    """Fork a process that outlives this one."""
    if check(libc.fork()) == 0:
        write_file(path)
        os._exit(0)


def execute(path: str) -> None:
    """Replace this process by another program."""
    arguments = (ctypes.c_char_p * 3)(b"touch", path.encode(), None)
    check(libc.execv(b"/usr/bin/touch", arguments))


def start_thread(path: str) -> None:
    """Start a thread that runs on after the answer."""
    threading.Thread(target=write_file, args=(path,)).start()


def kill_parent(_: str) -> None:
    """Kill the nursery, and with it all other children."""
    check(libc.kill(os.getppid(), signal.SIGKILL))


def kill_self(_: str) -> None:
    """Pretend to be killed from outside, so that the X-ray is retried."""
    check(libc.kill(os.getpid(), signal.SIGKILL))


def limit_parent(_: str) -> None:
    """Lower the nursery's limit of open files."""
    check(libc.prlimit(os.getppid(), 7, (ctypes.c_ulong * 2)(3, 3), None))


def trace_parent(_: str) -> None:
    """Write into the nursery's memory."""
    check(libc.ptrace(16, os.getppid(), None, None))


def map_code(_: str) -> None:
    """Map memory that is both writable and executable."""
    libc.mmap.restype = ctypes.c_ssize_t
    check(libc.mmap(None, 4096, 7, 0x22, -1, 0))


def allocate(_: str) -> None:
    """Exhaust the machine's memory."""
    bytearray(10 << 30)


def spin(_: str) -> None:
    """Loop for ever."""
    while True:
        pass


def sleep(seconds: str) -> None:
    """Hang without using CPU time."""
    time.sleep(float(seconds))


def crash(_: str) -> None:
    """Dereference a null pointer."""
    ctypes.string_at(0)


def abort(_: str) -> None:
    """Abort, as the C library does when its heap is corrupted."""
    libc.abort()


def leave(_: str) -> None:
    """Exit with status 0 without an answer."""
    os._exit(0)


def raise_error(name: str) -> None:
    """Raise an unexpected error that quotes a patient's name."""
    raise ArithmeticError(name)


def hold_gate(seconds: str) -> None:
    """Hold the lock for large decodes."""
    with one_if_large(LARGE_PIXELS + 1, 1):
        time.sleep(float(seconds))


def babble(_: str) -> None:
    """Send a malformed answer."""
    os.write(3, b"A\xff\xff\xff\x7f" + bytes(100))


ATTACKS: dict[str, Callable[[str], None]] = {
    attack.__name__: attack
    for attack in (
        write_file, read_file, connect, fork, execute, start_thread, kill_parent, kill_self,
        limit_parent, trace_parent, map_code, allocate, spin, sleep, crash, abort, leave,
        raise_error, hold_gate, babble,
    )
}  # fmt: skip


def read(data: bytes, max_pixels: int, ages: AgeBand | None) -> XrayImage:
    """Replaces `read_xray`."""
    if data.startswith(PREFIX):
        name, _, argument = data.removeprefix(PREFIX).decode().partition(" ")
        ATTACKS[name](argument)
        raise AssertionError(f"{name} was not stopped")
    return read_xray(data, max_pixels, ages)


if __name__ == "__main__":
    model.cage.child.CPU_SECONDS = model.cage.child.LARGE_CPU_SECONDS = 1
    main(partial(serve, read=read))
