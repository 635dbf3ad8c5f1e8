"""A disk that does not take what is synced."""

import ctypes
import errno
import platform
import struct

import pytest

_FSYNC = {"x86_64": 74, "aarch64": 82}
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def fail_syncs() -> None:
    """From here on the kernel answers fsync() of this thread, which must end soon, with EIO."""
    number = _FSYNC.get(platform.machine())
    libc = ctypes.CDLL(None, use_errno=True)
    if number is None or platform.system() != "Linux":
        pytest.skip("needs seccomp of Linux")
    # Load the call's number; if it is fsync's, an error, else go on.
    fail, allow = 0x50000 | errno.EIO, 0x7FFF0000
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, fail), (0x06, 0, 0, allow)]
    text = b"".join(struct.pack("HBBI", *step) for step in steps)
    program = _Program(len(steps), text)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
