"""The naive service as a process: start it, wait until it is ready, stop it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.sides import ROOT

START_SECONDS = 120


@contextmanager
def running_naive(weights: Path, log: Path) -> Iterator[int]:
    """The port of the naive service, under gunicorn with one worker; it stops with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    gunicorn = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--timeout", "120"]
    app = ["--workers", "1", "--bind", f"127.0.0.1:{port}", "tests.bench.naive:app"]
    environment = {**os.environ, "NAIVE_WEIGHTS": str(weights), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with log.open("w") as out:
        process = subprocess.Popen(
            [*gunicorn, *app], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        wait_listening(port, process, log)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def wait_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the worker answers; gunicorn itself listens long before that."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if "Listening" in log.read_text():
            with socket.create_connection(("127.0.0.1", port), START_SECONDS) as connection:
                # Answered only once the worker has loaded the network.
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if connection.recv(1):
                    return
        time.sleep(0.1)
    raise RuntimeError(f"the naive service did not start: {log.read_text()[-2000:]}")
