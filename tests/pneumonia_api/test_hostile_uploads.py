"""Hostile files at the running system: each costs its sender one X-ray, the others nothing."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from tests.bench.processes import find_processes
from tests.model.reading.hostile import HOSTILE, make_hostile
from tests.model.reading.hostile_jpeg import many_scans
from tests.pneumonia_api.kept_uploads import wait_until_deleted
from tests.stack import Stack

MEGABYTES = 1_000_000
MAX_GROWTH = 600 * MEGABYTES
"""Of API, worker and cage together, shared pages counted in each process: one large picture takes
570 MB, and a deflated object in each of three children 136 MB and its copy, at most. Without bounds
one such file took 3 GB in the API and 5.9 GB in the worker."""

END_SECONDS = 120


def post(stack: Stack, data: bytes, wait: float = 0) -> requests.Response:
    """Upload it."""
    return requests.post(
        f"{stack.api_url}/v1/xrays",
        params={"wait": wait},
        files={"xray": ("xray.jpg", data)},
        headers=stack.headers,
        timeout=60,
    )


def wait_end(stack: Stack, record: dict[str, str]) -> dict[str, str]:
    """The record once it is finished."""
    end = time.monotonic() + END_SECONDS
    while record["status"] == "queued" and time.monotonic() < end:
        url = f"{stack.api_url}/v1/xrays/{record['id']}?wait=20"
        record = requests.get(url, headers=stack.headers, timeout=40).json()
    return record


class Watch:
    """Which processes serve, how much memory they have, and whether `/readyz` ever said no."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.not_ready: list[int] = []
        self.most = self.least = self._memory()
        self._ended = threading.Event()

    def servers(self) -> set[tuple[str, int]]:
        """API and worker by part and number, without the cage, whose children come and go."""
        found = find_processes(self._stack)
        # The worker is the first of its part: the cage's processes are its children.
        return {("worker", found["worker"][0].pid), *(("api", p.pid) for p in found["api"])}

    def _memory(self) -> int:
        total = 0
        for part in ("api", "worker"):
            for process in find_processes(self._stack)[part]:
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
        return total

    def _look(self) -> None:
        while not self._ended.wait(0.3):
            answer = requests.get(f"{self._stack.api_url}/readyz", timeout=10)
            if answer.status_code != 200:
                self.not_ready.append(answer.status_code)
            self.most = max(self.most, self._memory())

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look while the block runs."""
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()


def test_hostile_files_cost_nobody_else_anything(stack: Stack, samples: list[Path]) -> None:
    """All kinds at once, from several senders: ordinary X-rays sent meanwhile are judged, the
    service stays ready, its processes live on, and each hostile file is refused once."""
    post(stack, samples[0].read_bytes() + b"warm", 30)
    files = {name: make_hostile(name) for name in HOSTILE}
    files["jpeg_sixty_scans_of_59_megapixels"] = many_scans(7_680, 60)  # within every bound
    watch = Watch(stack)
    servers = watch.servers()
    with watch.looking(), ThreadPoolExecutor(4) as senders:
        sent = {name: senders.submit(post, stack, data) for name, data in files.items()}
        for number, path in enumerate(samples[:6]):
            answer = post(stack, path.read_bytes() + b"meanwhile %d" % number, 30).json()
            assert wait_end(stack, answer)["status"] == "done"
        answers = {name: answer.result() for name, answer in sent.items()}
        for name, answer in answers.items():
            if answer.status_code in (200, 202):
                record = wait_end(stack, answer.json())
                assert record["status"] == "rejected", (name, record)
                assert record["reason"].endswith("."), name
            else:
                assert 400 <= answer.status_code < 500, (name, answer.text)
    assert watch.not_ready == []
    assert watch.servers() == servers
    assert watch.most - watch.least < MAX_GROWTH
    wait_until_deleted(stack.var / "images")
