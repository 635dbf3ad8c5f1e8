"""Uploads to a real API process: many at once, and a process that is killed during one."""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import redis
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.pictures import picture
from tests.service import running_service
from tests.stack import free_ports

MOST_MB = 250
"""The process alone has 60 MB; 64 MB of uploads may be in memory, besides what malloc keeps."""


@dataclass(frozen=True)
class Api:
    """A running API and where it keeps images."""

    url: str
    master: int
    images: Path

    def worker(self) -> psutil.Process:
        """The process that answers."""
        while not (found := psutil.Process(self.master).children()):
            time.sleep(0.05)
        return found[0]

    def send(self, data: bytes, key: str = "", wait: int = 0) -> requests.Response:
        """Upload `data`; tried again while nobody listens."""
        headers = {"Authorization": "Bearer k"} | ({"Idempotency-Key": key} if key else {})
        with requests.Session() as session:
            retry = Retry(connect=12, read=0, backoff_factor=0.05, allowed_methods=None)
            session.mount(self.url, HTTPAdapter(max_retries=retry))
            return session.post(
                f"{self.url}/v1/xrays?wait={wait}",
                files={"xray": ("a", data)},
                headers=headers,
                timeout=60,
            )


@pytest.fixture
def api(client: redis.Redis, redis_url: str, tmp_path: Path) -> Iterator[Api]:
    """The API under gunicorn, without a worker."""
    port = free_ports()["API_PORT"]
    settings = {"REDIS_URL": redis_url, "API_KEY": "k"}
    with running_service("pneumonia_api", port, tmp_path, settings) as process:
        yield Api(f"http://127.0.0.1:{port}", process.pid, tmp_path / "images")


def test_many_uploads_at_once_take_little_memory(api: Api) -> None:
    """384 MB in 32 parallel uploads: each is accepted or gets a Retry-After."""
    data = picture()
    data += bytes(12 * 1024 * 1024 - len(data))
    together = threading.Barrier(32)

    def send(_: int) -> tuple[int, str | None]:
        together.wait()
        answer = api.send(data)
        return answer.status_code, answer.headers.get("Retry-After")

    with ThreadPoolExecutor(32) as pool:
        answers = Counter(pool.map(send, range(32)))
    assert set(answers) <= {(202, None), (503, "5")}
    assert answers[202, None] > 0
    status = Path(f"/proc/{api.worker().pid}/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak
    assert int(peak[1]) < MOST_MB * 1024
    kept = [path for path in api.images.rglob("*") if path.is_file()]
    assert len(kept) == answers[202, None]
    assert not [path for path in kept if path.suffix == ".part"]


def test_api_that_dies_in_the_middle_takes_the_upload_once(api: Api, client: redis.Redis) -> None:
    """Killed while bytes arrive, after they have arrived, and after the record; then retried."""
    data = picture(side=400) + bytes(4_000_000)
    folder = api.images / "incoming"
    moments = (
        lambda: any(folder.glob("*.part")),
        lambda: len([path for path in folder.glob("*") if not path.suffix]) > 1,
        lambda: client.zcard("xrays") == 3,
    )
    for number, is_now in enumerate(moments):
        worker = api.worker()
        with ThreadPoolExecutor(1) as pool:
            # Without a worker the answer would come after ten seconds.
            lost = pool.submit(api.send, data, f"key-{number}", 10)
            end = time.monotonic() + 60
            while not is_now() and time.monotonic() < end:
                time.sleep(0.0005)
            worker.kill()
            assert isinstance(lost.exception(), requests.ConnectionError)
        worker.wait(20)
        answer = api.send(data, f"key-{number}")
        assert answer.status_code == 202
        assert client.zcard("xrays") == number + 1
    for xray_id in client.zrange("xrays", 0, -1):
        assert (folder / xray_id).read_bytes() == data
