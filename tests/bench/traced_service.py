"""Redis, API and worker of one checkout, each traced call of theirs in a file."""

import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from local.parts import read_command
from tests.bench.sides import ROOT
from tests.pneumonia_api.batch.server import Server
from tests.pneumonia_api.worker.worker_process import wait_for_workers
from tests.stack import free_ports

KEY = "key-of-the-bench"


@dataclass
class Service:
    """Redis, API and worker of one checkout, and what was measured of them."""

    server: Server
    port: int
    processes: dict[str, psutil.Process]
    traces: tuple[Path, Path]
    start_seconds: float  # of the worker
    seconds: list[float] = field(default_factory=list)
    steps: dict[str, list[float]] = field(default_factory=dict)
    commands: Counter[str] = field(default_factory=Counter)
    rates: list[float] = field(default_factory=list)
    spent: dict[str, list[float]] = field(default_factory=dict)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each part since its start, children included."""
        found = {}
        for name, process in self.processes.items():
            family = [process, *process.children(recursive=True)]
            found[name] = sum(sum(each.cpu_times()[:2]) for each in family)
        return found

    def count_commands(self) -> Counter[str]:
        """Calls of each Redis command so far."""
        stats = self.server.client.info("commandstats")
        return Counter({name[8:]: values["calls"] for name, values in stats.items()})

    def read_traces(self) -> list[tuple[str, float, float]]:
        """Name, begin and end of each traced call, in milliseconds."""
        found = []
        for file in self.traces:
            for line in file.read_text().splitlines():
                name, begin, end = line.split()
                found.append((name, int(begin) / 1e6, int(end) / 1e6))
        return sorted(found, key=lambda call: call[1])


@contextmanager
def running_service(tree: Path, scratch: Path) -> Iterator[Service]:
    """The services of a checkout, warm."""
    (scratch / "redis").mkdir(parents=True)
    ports = free_ports(["api", "metrics"])
    server = Server(scratch / "redis")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tree), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "REDIS_URL": server.url,
        "API_KEY": KEY,
        "VAR_DIR": str(scratch),
        "IMAGE_STORE": (scratch / "images").as_uri(),
        "SERVING_DIR": str(ROOT / "var" / "serving"),
        "API_PORT": str(ports["api"]),
        "WORKER_METRICS_PORT": str(ports["metrics"]),
    }
    counts = scratch / "multiprocess"
    counts.mkdir()
    more = {"api": {"PROMETHEUS_MULTIPROC_DIR": str(counts)}, "worker": {}}
    values = {"python": shlex.quote(sys.executable), "drain_seconds": "2"}
    processes, traces = {}, []
    with ExitStack() as opened:
        opened.callback(server.stop)
        for part in ("worker", "api"):
            unit = tree / "pneumonia_api" / f"pneumonia-{part}.service"
            _, _, *command = shlex.split(read_command(unit, values))
            traces.append(scratch / f"{part}.trace")
            log = opened.enter_context((scratch / f"{part}.log").open("wb"))
            started = time.monotonic()
            tracer = ROOT / "tests" / "bench" / "tracing.py"
            process = subprocess.Popen(
                [sys.executable, str(tracer), str(traces[-1]), *command],
                cwd=tree,
                env={**environment, **more[part]},
                stdout=log,
                stderr=log,
            )
            opened.callback(_end, process)
            processes[part] = psutil.Process(process.pid)
            if part == "worker":
                wait_for_workers(server.client, 1)
                took = time.monotonic() - started
        processes["redis"] = psutil.Process(server.client.info("server")["process_id"])
        wait_answer(ports["api"])
        yield Service(server, ports["api"], processes, (traces[0], traces[1]), took)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)


def wait_answer(port: int) -> None:
    """Wait until a service on this port answers, at most a minute."""
    end = time.monotonic() + 60
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/livez", timeout=5).raise_for_status()
            return
        except requests.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def memory_mb(service: Service) -> dict[str, float]:
    """Proportional set size of each part with its children, MB (10^6 bytes)."""
    return {
        name: sum(
            each.memory_full_info().pss for each in [process, *process.children(recursive=True)]
        )
        / 1e6
        for name, process in service.processes.items()
    }
