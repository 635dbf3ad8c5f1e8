"""A service of the comparison as a process tree: start it, ask it, weigh it, stop it."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.bench.peers.protocols import FORM, open_machine, read_probability
from tests.bench.sides import ROOT
from tests.stack import free_ports, start_stack, stop_stack, wait_ready

START_SECONDS = 180
STOP_SECONDS = 30
POLL_SECONDS = 0.02

UPLOAD_PATH = "/v1/xrays?wait=20"


class DidNotStart(RuntimeError):
    """The service gave no answer; the message has the end of its log."""


@dataclass(frozen=True)
class Running:
    """A service that answers: where, how long its start took, and its processes."""

    port: int
    path: str
    key: str
    protocol: str
    cold_start: float
    root: psutil.Process

    def processes(self) -> list[psutil.Process]:
        """All of them, now."""
        return [self.root, *self.root.children(recursive=True)]

    def memory_mb(self) -> float:
        """Proportional set size of all processes in 10^6 bytes: shared pages count once."""
        return sum(process.memory_full_info().pss for process in self.processes()) / 1e6

    def cpu_seconds(self) -> float:
        """Processor time of all processes, and of those that they have waited for."""
        return sum(sum(process.cpu_times()[:4]) for process in self.processes())


def wait_first_answer(
    process: subprocess.Popen[Any],
    port: int,
    path: str,
    read_key: Callable[[], str],
    protocol: str,
    data: bytes,
) -> str:
    """Send an X-ray until it is judged; the key with which it was. Raises DidNotStart."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            key = read_key()
            with open_machine(port, path, key, protocol) as machine:
                _, status, answer = machine.upload(data)
            if status == 200 and read_probability(answer) is not None:
                return key
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            pass  # not listening yet, or not ready: asked again until the time is over
        time.sleep(POLL_SECONDS)
    if process.poll() is None:
        raise DidNotStart(f"no answer after {START_SECONDS} s")
    raise DidNotStart(f"ended with {process.returncode}")


@contextmanager
def running_peer(
    make_command: Callable[[int], Sequence[str]],
    environment: Mapping[str, str],
    path: str,
    protocol: str,
    data: bytes,
    log: Path,
) -> Iterator[Running]:
    """A peer that has answered `data`, ended with the block. Raises DidNotStart."""
    port = free_ports(["PORT"])["PORT"]
    with log.open("w") as out:
        started = time.monotonic()
        process = subprocess.Popen(
            make_command(port),
            cwd=ROOT,
            env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    root = psutil.Process(process.pid)
    try:
        try:
            wait_first_answer(process, port, path, lambda: "", protocol, data)
        except DidNotStart as error:
            raise DidNotStart(f"{error}: {log.read_text()[-2000:]}") from error
        yield Running(port, path, "", protocol, time.monotonic() - started, root)
    finally:
        end_tree(process, root)


def end_tree(process: subprocess.Popen[bytes], root: psutil.Process) -> None:
    """End a process and all below it, also those that outlive it."""
    below = root.children(recursive=True) if root.is_running() else []
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(below, timeout=2)
    for child in alive:
        with suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
            child.kill()
    psutil.wait_procs(alive)


@contextmanager
def running_ours(settings: Mapping[str, str], data: bytes, folder: Path) -> Iterator[Running]:
    """All parts of `make run` in a new folder; asked at the API, without nginx and web page."""
    ports, var = free_ports(), folder / "var"
    started = time.monotonic()
    process = start_stack(var, ports, **settings)
    try:
        key_file = var / "api-key"
        api = ports["API_PORT"]
        key = wait_first_answer(process, api, UPLOAD_PATH, key_file.read_text, FORM, data)
        seconds = time.monotonic() - started
        greeting = wait_ready(process)
        if "is ready at" not in greeting:
            raise DidNotStart(greeting[-2000:])
        root = psutil.Process(process.pid)
        yield Running(api, UPLOAD_PATH, key, FORM, seconds, root)
    finally:
        stop_stack(process)
