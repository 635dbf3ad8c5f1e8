"""Metrics of a service with several processes under a real gunicorn, some of them killed."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from local.parts import read_command
from run import ROOT
from tests.pneumonia_api.redis_server import running_redis
from tests.scrape import find_value
from tests.stack import free_ports

KINDS = ("gauge_livesum", "gauge_livemax")
"""What each process has a file of its own for once it has the app."""


def wait_until(holds: Callable[[], bool]) -> None:
    """For half a minute at most."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


class Service:
    """Two processes of API or web, started by the command of its unit."""

    def __init__(self, name: str, var: Path, redis_url: str) -> None:
        self.port = free_ports()["API_PORT"]
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = var / "multiprocess" / name
        unit = ROOT / f"pneumonia_{name}" / f"pneumonia-{name}.service"
        values = {"python": shlex.quote(sys.executable), "drain_seconds": "1"}
        self.process = subprocess.Popen(
            [*shlex.split(read_command(unit, values)), "--workers", "2"],
            cwd=ROOT,
            env={
                **os.environ,
                "VAR_DIR": str(var),
                f"{name.upper()}_PORT": str(self.port),
                "REDIS_URL": redis_url,
                "API_KEY": "key-of-the-test",
                "API_URL": "http://127.0.0.1:1",
                "SECRET_KEY": "s",
            },
        )
        wait_until(self._is_whole)

    def list_workers(self) -> list[psutil.Process]:
        """The processes that answer."""
        return psutil.Process(self.process.pid).children()

    def _is_whole(self) -> bool:
        """Whether both processes are up.

        A file that was made this moment is empty, and a scrape at that moment cannot read it.
        """
        pids = [worker.pid for worker in self.list_workers()]
        files = {file for pid in pids for file in self.folder.glob(f"*_{pid}.db")}
        due = {self.folder / f"{kind}_{pid}.db" for pid in pids for kind in KINDS}
        return len(pids) == 2 and due <= files and all(file.stat().st_size for file in files)

    @contextmanager
    def only(self, worker: psutil.Process) -> Iterator[None]:
        """Inside the block only this process answers."""
        others = [other for other in self.list_workers() if other != worker]
        for other in others:
            other.suspend()
        try:
            yield
        finally:
            for other in others:
                other.resume()

    def ask(self, times: int) -> None:
        """Send so many requests, each on a new connection."""
        for _ in range(times):
            assert requests.get(f"{self.url}/livez", timeout=10).ok

    def scrape(self) -> str:
        """The metrics, from one of the processes."""
        return requests.get(f"{self.url}/metrics", timeout=10).text

    def read(self, name: str, **labels: str) -> float | None:
        """A value, which both processes report alike."""
        values = set()
        for worker in self.list_workers():
            with self.only(worker):
                values.add(find_value(self.scrape(), name, **labels))
        [value] = values
        return value

    def kill(self, worker: psutil.Process) -> None:
        """SIGKILL; returns when another process has taken the place."""
        worker.kill()
        wait_until(lambda: worker not in self.list_workers() and self._is_whole())

    def stop(self) -> None:
        """End it as a service manager does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@contextmanager
def running_service(
    name: str, var: Path, redis_url: str = "redis://127.0.0.1:1/0"
) -> Iterator[Service]:
    """Two processes that answer, ended when the block is left."""
    service = Service(name, var, redis_url)
    try:
        yield service
    finally:
        service.stop()


@pytest.mark.parametrize("name", ["api", "web"])
def test_processes_are_added_up_and_outlived(tmp_path: Path, name: str) -> None:
    """A scrape of either reports the sum, including what a killed process counted; the next start
    counts from 0."""
    total = f"pneumonia_{name}_requests_total"
    seconds = f"pneumonia_{name}_request_seconds_count"
    with running_service(name, tmp_path) as service:
        first, second = service.list_workers()
        with service.only(first):
            service.ask(3)
        with service.only(second):
            service.ask(4)
        assert service.read(total, route="/livez", status="200") == 7
        service.kill(first)
        assert service.read(total, route="/livez") == 7
        service.ask(2)
        assert service.read(total, route="/livez") == service.read(seconds, route="/livez") == 9
        assert service.read("pneumonia_release_info", service=name) == 1
    with running_service(name, tmp_path) as service:
        assert service.read(total) is None


def test_request_of_a_killed_process_is_not_in_flight(tmp_path: Path) -> None:
    """Its requests in flight are lost with it, and the gauge shows that."""
    in_flight = "pneumonia_api_requests_in_flight"
    with (
        running_redis(free_ports()["REDIS_PORT"], tmp_path) as redis_url,
        running_service("api", tmp_path, redis_url) as service,
        socket.socket() as sender,
    ):
        first, second = service.list_workers()
        with service.only(first):
            sender.connect(("127.0.0.1", service.port))
            # A form whose end never comes.
            sender.sendall(
                b"POST /v1/xrays HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key-of-the-test\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 99\r\n\r\n--x"
            )
            wait_until(lambda: find_value(service.scrape(), in_flight) == 1)
        service.kill(second)
        assert service.read(in_flight) == 1
        service.kill(first)
        assert service.read(in_flight) == 0
