"""Uploads to the real process of the API: many at once, and one that dies in the middle."""

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

from tests.pneumonia_api.pictures import picture
from tests.pneumonia_api.server import running_service
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

    def send(self, data: bytes, key: str = "") -> requests.Response:
        """Upload `data`."""
        headers = {"Authorization": "Bearer k"} | ({"Idempotency-Key": key} if key else {})
        return requests.post(
            f"{self.url}/v1/xrays", files={"xray": ("a", data)}, headers=headers, timeout=60
        )


@pytest.fixture
def api(client: redis.Redis, redis_url: str, tmp_path: Path) -> Iterator[Api]:
    """The API under gunicorn, without a worker."""
    port = free_ports()["API_PORT"]
    settings = {"REDIS_URL": redis_url, "API_KEY": "k"}
    with running_service("pneumonia_api", port, tmp_path, settings) as process:
        yield Api(f"http://127.0.0.1:{port}", process.pid, tmp_path / "images")


def test_many_uploads_at_once_take_little_memory(api: Api) -> None:
    """384 MB in 32 uploads at the same moment: each is accepted or told when to come back."""
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
    """Killed at many moments of an upload; sent again until there is an answer, it is one X-ray."""
    data = picture(side=400) + bytes(2_000_000)
    for moment in range(5):
        worker = api.worker()
        killer = threading.Timer(moment * 0.01, worker.kill)
        killer.start()
        answer = None
        for _ in range(600):
            try:
                answer = api.send(data, f"key-{moment}")
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        killer.join()
        assert answer is not None
        # Killed after the answer, perhaps: the API starts again before the next.
        worker.wait(20)
        assert answer.status_code == 202
    ids = client.zrange("xrays", 0, -1)
    assert len(ids) == 5
    for xray_id in ids:
        assert (api.images / "incoming" / xray_id).read_bytes() == data
