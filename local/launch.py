"""Kill the orphans of an earlier run of a part, then exec its command.

    python local/launch.py COMMAND ARGUMENT ...

supervisord starts each part with this. When only the first process of a part is killed, others such
as nginx's workers may survive and hold its port or its files. supervisord makes the first process
of a part the leader of a process group, so a group without its leader consists of orphans.
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
        with suppress(psutil.Error, OSError):  # it has ended, or is another account's
            group = os.getpgid(process.pid)
            if os.getsid(process.pid) == session and not psutil.pid_exists(group):
                left.append(process)
    return left


if __name__ == "__main__":
    while left := find_leftovers():
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.01)  # until init has reaped them
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - a fixed command of this project
