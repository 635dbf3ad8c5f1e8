"""Become a part, after what an earlier one left behind has ended.

    python local/launch.py COMMAND ARGUMENT ...

supervisord runs each part by this. A part whose first process is killed alone may leave others,
such as nginx's workers, which hold its port or its files. supervisord makes the first process of a
part the leader of a group, so a group without its leader is what a part left.
"""

import os
import sys
import time
from contextlib import suppress

import psutil


def find_leftovers() -> list[psutil.Process]:
    """The processes in this session whose group has lost its leader."""
    session, left = os.getsid(0), []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # ended meanwhile, or another account's
            group = os.getpgid(process.pid)
            if os.getsid(process.pid) == session and not psutil.pid_exists(group):
                left.append(process)
    return left


if __name__ == "__main__":
    while left := find_leftovers():
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.01)  # until init has taken them
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - a fixed command of this project
