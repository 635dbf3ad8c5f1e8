"""A real worker process without the rest of the stack, and the X-rays that it is given."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import redis

from local.parts import read_command
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.publishing import create_queue, publish
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.workers import Workers
from pneumonia_api.records.xrays import XrayStore
from tests.stack import ROOT, free_ports

READY_SECONDS = 120
"""Generous, for imports and for opening and warming the model on a busy machine."""


@contextmanager
def running_worker(
    redis_url: str, folder: Path, module: str = "pneumonia_api.worker.tasks", **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that the deployed command started, with its image store in `folder`.

    Killed at the end of the block.
    """
    environment = {
        **os.environ,
        "REDIS_URL": redis_url,
        "API_KEY": "k",
        "IMAGE_STORE": folder.as_uri(),
        "VAR_DIR": str(folder / "var"),
        "SERVING_DIR": str(ROOT / "var" / "serving"),
        "WORKER_METRICS_PORT": str(free_ports(["port"])["port"]),
        **settings,
    }
    name = f"test{os.urandom(4).hex()}@%h"
    unit = ROOT / "pneumonia_api" / "pneumonia-worker.service"
    deployed = read_command(unit, {"python": sys.executable})
    command = deployed.replace("pneumonia_api.worker.tasks", module)
    with (folder / f"{name}.log").open("wb") as log:
        worker = subprocess.Popen(
            [*shlex.split(command), "--hostname", name],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield worker
    except BaseException:
        print((folder / f"{name}.log").read_text()[-20_000:])
        raise
    finally:
        if worker.poll() is None:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
        worker.wait(20)


@contextmanager
def supervised_worker(redis_url: str, folder: Path) -> Iterator[list[int]]:
    """A worker that is started again when its process ends, as in production; yields their pids."""
    pids: list[int] = []
    ended = threading.Event()

    def supervise() -> None:
        while not ended.is_set():
            with running_worker(redis_url, folder) as worker:
                pids.append(worker.pid)
                while worker.poll() is None and not ended.wait(0.2):
                    pass

    with ThreadPoolExecutor(1) as pool:
        supervision = pool.submit(supervise)
        try:
            yield pids
        except BaseException:
            for log in sorted(folder.glob("*.log")):
                print(log.read_text()[-20_000:])
            raise
        finally:
            ended.set()
            supervision.result()


def wait_for_workers(client: redis.Redis, count: int) -> None:
    """Wait until `count` workers are warm."""
    end = time.monotonic() + READY_SECONDS
    while Workers(client).count() < count:
        assert time.monotonic() < end, "the worker did not become ready"
        time.sleep(0.1)


def accept(client: redis.Redis, folder: Path, data: bytes) -> XrayRecord:
    """Accept an upload as the API does."""
    xray = new_xray("doctor", "digest")
    ImageStore(folder.as_uri()).write_incoming(xray.id, data)
    XrayStore(client).add(xray)
    with create_queue() as queue:
        publish(client, queue, xray.id)
    return xray


def wait_until_judged(client: redis.Redis, sent: list[XrayRecord], seconds: float) -> float:
    """Wait until each has an end state, which must be done; returns the seconds."""
    begun, xrays = time.monotonic(), XrayStore(client)
    while any(status == "queued" for status in read_statuses(xrays, sent)):
        waits = [x.id for x in sent if xrays.get(x.id).status == "queued"]
        assert time.monotonic() < begun + seconds, f"{len(waits)} wait after {seconds} s: {waits}"
        time.sleep(0.2)
    assert read_statuses(xrays, sent) == ["done"] * len(sent)
    return time.monotonic() - begun


def read_statuses(xrays: XrayStore, sent: list[XrayRecord]) -> list[str]:
    """The statuses, in the order of `sent`."""
    found = xrays.read_statuses([xray.id for xray in sent])
    return [found[xray.id] for xray in sent]
