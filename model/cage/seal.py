"""Drop all privileges of a process that computing does not need, irrevocably.

Resource limits on every system; on Linux also a filter of system calls (seccomp-BPF, see
Documentation/userspace-api/seccomp_filter.rst of the kernel): the process cannot open files, create
sockets, start processes, threads or programs, or make memory executable. A refused call fails with
EPERM, so that a library which tries more than it needs reports an error instead of dying.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_PROT_EXEC = 4

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Numbers on x86_64 and aarch64 (include/uapi/asm-generic/unistd.h); None if it does not exist.
_ALLOWED: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "poll": (7, None),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "ppoll": (271, 73),
    "getrandom": (318, 278),
}
_MMAP, _MPROTECT, _TGKILL, _PRLIMIT = (9, 222), (10, 226), (234, 131), (302, 261)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent exits; on Linux only."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def seal(files: int) -> bool:
    """Confine the process to its file descriptors below `files`; return whether calls are filtered.

    Without a filter, only resource limits apply: no more open files, no bytes written to a file,
    and, except for root, no more processes.
    """
    with suppress(OSError):  # Linux: when memory runs out, this process is killed first
        Path("/proc/self/oom_score_adj").write_text("1000")
    for kind, most in (
        (resource.RLIMIT_CORE, 0),  # a core dump would hold a patient's image
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, files),
    ):
        resource.setrlimit(kind, (most, most))
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _ARCHITECTURES:
        return False
    code = _compile(machine)
    program = _Program(len(code) // 8, code)
    try:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))
    except OSError:
        return False
    return True


def limit_time(seconds: int) -> None:
    """Allow so much more CPU time; after that, SIGXCPU ends the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + seconds)


def limit_memory(size: int) -> None:
    """Limit the address space to `size` bytes; beyond it, allocations fail."""
    _limit(resource.RLIMIT_AS, size)


def _limit(kind: int, most: int) -> None:
    """Set only the soft limit, because the next X-ray has its own."""
    resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def _compile(machine: str) -> bytes:
    """The filter as classic BPF instructions of eight bytes each."""
    column = list(_ARCHITECTURES).index(machine)

    def one(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
        return struct.pack("=HBBL", code, then, otherwise, value)

    def argument(number: int) -> bytes:
        # The lower half: both architectures are little endian, and these arguments have 32 bits.
        return one(_LOAD, _FIRST_ARGUMENT_AT + 8 * number)

    made = [
        one(_LOAD, _ARCHITECTURE_AT),
        one(_EQUAL, _ARCHITECTURES[machine], then=1),
        one(_RETURN, _KILL),
        one(_LOAD, _NUMBER_AT),
        one(_AT_LEAST, 0x40000000, otherwise=1),  # the x32 calls of x86_64
        one(_RETURN, _REFUSE),
    ]
    for numbers in _ALLOWED.values():
        if (number := numbers[column]) is not None:
            made += [one(_EQUAL, number, otherwise=1), one(_RETURN, _ALLOW)]
    for numbers, check in (
        (_MMAP, [argument(2), one(_ANY_BIT, _PROT_EXEC, otherwise=1)]),
        (_MPROTECT, [argument(2), one(_ANY_BIT, _PROT_EXEC, otherwise=1)]),
        # abort() sends a signal to its own process, and `_limit` changes its own process.
        (_TGKILL, [argument(0), one(_EQUAL, os.getpid(), then=1)]),
        (_PRLIMIT, [argument(0), one(_EQUAL, 0, then=1)]),
    ):
        made += [one(_EQUAL, numbers[column], otherwise=4), *check]
        made += [one(_RETURN, _REFUSE), one(_RETURN, _ALLOW)]
    return b"".join([*made, one(_RETURN, _REFUSE)])


def _prctl(*arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    padded = [*arguments, *[0] * (5 - len(arguments))]
    words = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in padded]
    if library.prctl(*words) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
