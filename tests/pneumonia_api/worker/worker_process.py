"""A real worker process without the rest of the stack."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from local.parts import read_command
from pneumonia_api.records.workers import Workers
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
    finally:
        if worker.poll() is None:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
        worker.wait(20)


def wait_for_workers(client: redis.Redis, count: int) -> None:
    """Wait until `count` workers are warm."""
    end = time.monotonic() + READY_SECONDS
    while Workers(client).count() < count:
        assert time.monotonic() < end, "the worker did not become ready"
        time.sleep(0.1)
