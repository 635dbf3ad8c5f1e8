"""Locks `var/` for one start at a time, and ends what a killed start left running."""

import fcntl
import os
import re
import sys
from pathlib import Path

import psutil

from local.parts import CannotStart
from local.supervision import end_session, kill_session


def lock_var(var: Path, root: Path) -> int:
    """Acquire the lock of `var`; returns its file descriptor.

    Parts that a killed starter left running are ended first. Raises CannotStart if another start
    holds the lock, or if a path has a character that some configuration file cannot quote.
    """
    for path in (str(var), str(root), sys.executable):
        if not path.isprintable() or re.search(r'["\\$]|::|%\(| [;#]', path):
            raise CannotStart(
                f'the path {path!r} has a character that cannot be used (", \\, $, ::, a space '
                "before ; or #, or an invisible one); rename the folder."
            )
    var.mkdir(parents=True, exist_ok=True)
    # Only the starter holds this lock; supervisord inherits the other one, too.
    if _try_lock(var / "starter.lock") is None:
        raise CannotStart(
            f"another start uses {var}; end it first (supervisord.pid there names it), "
            "or choose another folder with VAR_DIR=."
        )
    _end_orphans(var)
    lock = _try_lock(var / "lock")
    if lock is None:
        raise CannotStart(
            f"something holds {var}/lock although its start has ended; "
            f"`lsof {var}/lock` names it: end it, or choose another folder with VAR_DIR=."
        )
    return lock


def _try_lock(file: Path) -> int | None:
    """The file descriptor, locked until every process that has it open ends; None if it is held."""
    lock = os.open(file, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _end_orphans(var: Path) -> None:
    """End a supervisord without its starter, or the parts without their supervisord."""
    file = var / "supervisord.pid"
    if not file.exists() or file.stat().st_mtime < psutil.boot_time():
        return
    text = file.read_text(errors="replace").strip()
    if not text.isdecimal():
        return
    session = int(text)
    try:
        supervisord = psutil.Process(session)
        if "supervisor.supervisord" in supervisord.cmdline() and supervisord.cwd() == str(var):
            end_session(supervisord)
    except psutil.NoSuchProcess:
        kill_session(session)
    except psutil.AccessDenied:
        return  # the pid now belongs to another account
