"""One start at a time in `var/`, and the end of what a start that was killed left running."""

import fcntl
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from parts import CannotStart
from supervision import end_session, kill_session


def lock_var(var: Path, root: Path) -> int:
    """Hold `var` for this start alone; the open file that holds it.

    Raises CannotStart where another start lives, or where a path has a character that some
    configuration file cannot name. The parts of a starter that was killed are ended first.
    """
    for path in (str(var), str(root), sys.executable):
        if not path.isprintable() or re.search(r'["\\$]|::|%\(| [;#]', path):
            raise CannotStart(
                f'the path {path!r} has a character that cannot be used (", \\, $, ::, a space '
                "before ; or #, or an invisible one); rename the folder."
            )
    var.mkdir(parents=True, exist_ok=True)
    lock = os.open(var / "lock", os.O_RDWR | os.O_CREAT)
    starter = os.pread(lock, 64, 0).decode(errors="replace")
    locked = _try_lock(lock)
    if not locked and _lives(starter):
        raise CannotStart(
            f"another start uses {var}; end it first (supervisord.pid there names it), "
            "or choose another folder with VAR_DIR=."
        )
    _end_orphans(var)
    if not locked and not _try_lock(lock):
        raise CannotStart(
            f"something holds {var}/lock although its start has ended; "
            f"`lsof {var}/lock` names it: end it, or choose another folder with VAR_DIR=."
        )
    os.ftruncate(lock, 0)
    os.pwrite(lock, _describe(psutil.Process()).encode(), 0)
    return lock


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _describe(process: psutil.Process) -> str:
    """Its number and the moment of its start, as no other process has them."""
    return f"{process.pid} {process.create_time()}"


def _lives(starter: str) -> bool:
    pid = starter.split(" ", maxsplit=1)[0]
    try:
        return _describe(psutil.Process(int(pid))) == starter
    except psutil.NoSuchProcess:
        return False
    except ValueError:
        return True  # an earlier version wrote nothing: it may live


def _end_orphans(var: Path) -> None:
    """End the supervisord that lost its starter, or the parts that lost their supervisord."""
    file = var / "supervisord.pid"
    if not file.exists() or file.stat().st_mtime < psutil.boot_time():
        return
    text = file.read_text(errors="replace").strip()
    if not text.isdecimal():
        return
    session = int(text)
    with suppress(psutil.NoSuchProcess):
        supervisord = psutil.Process(session)
        if "supervisor.supervisord" not in supervisord.cmdline() or supervisord.cwd() != str(var):
            return  # the number is another program's by now
        end_session(supervisord)
        return
    kill_session(session)
