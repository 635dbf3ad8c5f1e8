"""The stack from outside: its processes' memory and time, its metrics, a worker's cold start."""

import signal
import socket
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import psutil
import redis
import requests
from dotenv import dotenv_values
from prometheus_client.parser import text_string_to_metric_families

from tests.stack import Stack, free_ports

# What identifies a process of the stack in its command line or in the title that it set.
_MARKS = {
    "worker": "pneumonia_api.worker.tasks",
    "api": "pneumonia_api.app:app",
    "web": "pneumonia_web.app:app",
    "nginx": "nginx",
    "redis": "redis",
    "valkey": "valkey",
    "nursery": "model.cage.nursery",
}
_OF_PART = {"valkey": "redis", "nursery": "worker"}

START_SECONDS = 60


def find_processes(stack: Stack) -> dict[str, list[psutil.Process]]:
    """The stack's processes by part; children count towards their parents, the cage towards the
    worker."""
    found = defaultdict(list)
    for process in psutil.Process(stack.process.pid).children(recursive=True):
        try:
            command = " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            continue  # a child of the cage that has just ended
        part = next((part for part, mark in _MARKS.items() if mark in command), None)
        if part and "supervisord" not in command:
            found[_OF_PART.get(part, part)].append(process)
    return found


def measure_memory(stack: Stack) -> dict[str, float]:
    """Proportional set size of each part, MB (10^6 bytes): shared pages are counted once."""
    return {
        part: sum(process.memory_full_info().pss for process in processes) / 1e6
        for part, processes in find_processes(stack).items()
    }


def measure_cpu(stack: Stack) -> dict[str, float]:
    """Processor time of each part since its start, in seconds."""
    return {
        part: sum(sum(process.cpu_times()[:2]) for process in processes)
        for part, processes in find_processes(stack).items()
    }


class Bystanders:
    """The load that all other processes, and other guests of the host, put on the processors."""

    def __init__(self) -> None:
        self._started = self._read()

    @staticmethod
    def _read() -> tuple[float, float, float]:
        machine = psutil.cpu_times()
        idle = machine.idle + machine.iowait
        bench = psutil.Process()
        own = [bench, *bench.children(recursive=True)]
        # With the time of the children that each has waited for: services end during the bench.
        return sum(machine[:8]), idle, sum(sum(process.cpu_times()[:4]) for process in own)

    def share(self) -> float:
        """Their share of all processor time since the start, 0 to 1."""
        total, idle, own = (
            now - then for now, then in zip(self._read(), self._started, strict=True)
        )
        return max(0.0, (total - idle - own) / total)


def read_worker_metrics(stack: Stack) -> dict[str, float]:
    """`pneumonia_worker_*` of the stack's worker: "name value-of-its-label" -> value."""
    url = f"http://127.0.0.1:{stack.ports['WORKER_METRICS_PORT']}/metrics"
    answer = requests.get(url, timeout=10)
    answer.raise_for_status()
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name.startswith("pneumonia_worker_") and not sample.name.endswith("_bucket")
    }


def time_worker_start(stack: Stack, log: Path) -> float:
    """Seconds from the start of one more worker until it announces in Redis that it is warm.

    Command and settings are those of the stack's own worker, which sleeps meanwhile. Files are in
    the page cache, as after a restart.
    """
    model = find_processes(stack)["worker"][0]
    port = str(free_ports()["WORKER_METRICS_PORT"])
    client = redis.Redis.from_url(dotenv_values(stack.var / "env")["REDIS_URL"])
    key = f"worker:cold@{socket.gethostname()}"
    with log.open("a") as out:
        started = time.monotonic()
        worker = subprocess.Popen(
            [*model.cmdline(), "-n", "cold@%h"],
            cwd=model.cwd(),
            env={**model.environ(), "WORKER_METRICS_PORT": port},
            stdout=out,
            stderr=out,
        )
    try:
        while not client.exists(key):
            if worker.poll() is not None or time.monotonic() - started > START_SECONDS:
                raise RuntimeError(f"the worker did not come up: {log.read_text()[-2000:]}")
            time.sleep(0.01)
        return time.monotonic() - started
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        client.delete(key)
