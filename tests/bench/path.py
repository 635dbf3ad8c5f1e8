"""Where each millisecond of one upload goes, from the client's first byte to its answer.

    python -m tests.bench.path [--against CHECKOUT ...] [--uploads 96] [--clients 8]

Starts Redis (each write on the disk), the API and a worker with the commands of their units, the
last two inside `tests/bench/tracing.py`, and prints a Markdown table of medians over uploads by one
client; then what the parts cost under `--clients` at a time. With `--against`, the services of
other checkouts of this repository run as well and take turns, block by block.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from local.parts import read_command
from tests.bench.clients import Machine
from tests.bench.images import Images, make_images
from tests.bench.sides import ROOT, Side
from tests.pneumonia_api.batch.server import Server
from tests.pneumonia_api.worker.worker_process import wait_for_workers
from tests.stack import free_ports

BLOCK = 16
TURNS, MANY = 3, 96
"""How often and how many uploads each checkout judges for several clients."""

KEY = "key-of-the-bench"

STEPS = (
    ("client's request, gunicorn's head", "PatientWorker.handle", "begin"),
    ("token, body, form, digest, header checks", "accept", "begin"),
    ("a prediction of the same bytes?", "XrayStore.find_same", "end"),
    ("room in the queue?", "Admission.check", "end"),
    ("upload synced to the disk", "ImageStore.keep", "end"),
    ("record and task written, worker woken", "Channel._brpop_read", "begin"),
    ("kombu: noted as unacknowledged", "QoS.append", "end"),
    ("Celery: message to a thread", "PredictXray.run", "begin"),
    ("lease, and record read", "Deliveries._begin", "end"),
    ("upload read", "ImageStore.read_incoming", "end"),
    ("cage: decode, checks, input; preview, unless made later", "Predictor.predict", "begin"),
    ("network", "Predictor.judge", "end"),
    ("calibration and heat map", "Predictor.predict", "end"),
    ("preview awaited and stored", "ImageStore.write_preview", "end"),
    ("end state written", "XrayStore.finish", "end"),
    ("API woken, record read", "XrayStore.wait_finished", "end"),
    ("answer made and sent", "PatientWorker.handle", "end"),
)
"""What lies between one mark and the next: a step ends where the named call begins or ends."""

AFTER = ("ImageStore.delete_incoming", "Deliveries._release", "QoS.ack")
"""Calls after the answer, which take the worker's time but not the client's."""


@dataclass
class Service:
    """Redis, API and worker of one checkout, and what was measured of them."""

    server: Server
    port: int
    processes: dict[str, psutil.Process]
    traces: tuple[Path, Path]
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
        for part in ("api", "worker"):
            unit = tree / "pneumonia_api" / f"pneumonia-{part}.service"
            _, _, *command = shlex.split(read_command(unit, values))
            traces.append(scratch / f"{part}.trace")
            log = opened.enter_context((scratch / f"{part}.log").open("wb"))
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
        processes["redis"] = psutil.Process(server.client.info("server")["process_id"])
        wait_for_workers(server.client, 1)
        _wait_answer(ports["api"])
        yield Service(server, ports["api"], processes, (traces[0], traces[1]))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)


def _wait_answer(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/livez", timeout=5).raise_for_status()
            return
        except requests.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def measure_one_client(service: Service, images: Images, numbers: Sequence[int]) -> None:
    """Upload one after the other, and add the steps of each."""
    for file in service.traces:
        os.truncate(file, 0)
    commands, windows = service.count_commands(), []
    with Machine(service.port, "/v1/xrays?wait=30", KEY) as machine:
        for number in numbers:
            data = images.read(number)
            started = time.monotonic_ns() / 1e6
            service.seconds.append(machine.judge(data))
            windows.append((started, time.monotonic_ns() / 1e6))
    service.commands += service.count_commands() - commands
    calls = service.read_traces()
    for started, ended in windows:
        last = started
        for label, name, edge in STEPS:
            for called, begin, end in calls:
                at = begin if edge == "begin" else end
                # gunicorn's thread returns a moment after the client has the answer.
                if called == name and last <= at <= ended + 5:
                    service.steps.setdefault(label, []).append(at - last)
                    last = at
                    break
    for name in AFTER:
        took = [end - begin for called, begin, end in calls if called == name]
        service.steps.setdefault(name, []).extend(took)


def measure_many_clients(service: Service, folder: Path, start: int, count: int, n: int) -> None:
    """Upload from `n` clients at a time, and add the rate and the processor time of each part."""
    (folder / "key").write_text(KEY)
    with Side("tests.bench.load", service.port, folder / "key", folder) as load:
        load.ask(start=start, count=2 * n, threads=n, wait=30)
        before = service.cpu_seconds()
        sent = load.ask(start=start + 2 * n, count=count, threads=n, wait=30)
        after = service.cpu_seconds()
    if sent["answers"] != {"200 done": count}:
        raise RuntimeError(f"not all were judged: {sent['answers']}")
    service.rates.append(count / (sent["ended"] - sent["started"]))
    for name in after:
        spent = 1000 * (after[name] - before[name]) / count
        service.spent.setdefault(name, []).append(spent)
    service.spent.setdefault("clients", []).append(1000 * sent["cpu"] / count)


def memory_mb(service: Service) -> dict[str, float]:
    """Proportional set size of each part with its children, MB (10^6 bytes)."""
    return {
        name: sum(
            each.memory_full_info().pss for each in [process, *process.children(recursive=True)]
        )
        / 1e6
        for name, process in service.processes.items()
    }


def format_table(services: dict[str, Service], uploads: int, clients: int) -> str:
    """The table, one column for each checkout."""
    rows: list[tuple[str, list[str]]] = []

    def add(label: str, values: list[float | None], digits: int = 1) -> None:
        shown = ["" if value is None else f"{value:.{digits}f}" for value in values]
        rows.append((label, shown))

    sides = list(services.values())
    for label, _, _ in STEPS:
        add(label, [_median(side.steps.get(label)) for side in sides], 2)
    add("**upload until judged, p50**", [1000 * statistics.median(s.seconds) for s in sides])
    add("p95", [1000 * statistics.quantiles(s.seconds, n=20)[-1] for s in sides])
    for name in AFTER:
        add(f"afterwards: `{name}`", [_median(side.steps.get(name)) for side in sides], 2)
    add("Redis commands", [sum(side.commands.values()) / uploads for side in sides])
    add(f"{clients} clients, uploads a second", [_median(side.rates) for side in sides])
    for name in sides[0].spent:
        add(
            f"{clients} clients, processor of {name}",
            [_median(side.spent.get(name)) for side in sides],
        )
    for name in ("worker", "api"):
        add(f"memory of {name}, MB", [memory_mb(side)[name] for side in sides], 0)
    head = f"| step, ms | {' | '.join(services)} |\n|---|{'---|' * len(services)}\n"
    return head + "".join(f"| {label} | {' | '.join(shown)} |\n" for label, shown in rows)


def _median(values: Any) -> float | None:
    return statistics.median(values) if values else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Where the time of one upload goes.")
    parser.add_argument("--against", type=Path, nargs="*", default=[], help="other checkouts")
    parser.add_argument("--uploads", type=int, default=96)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    trees = {tree.name: tree for tree in options.against} | {"this checkout": ROOT}
    rounds = max(options.uploads // BLOCK, 1)
    with ExitStack() as opened:
        scratch = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="path-")))
        folder = scratch / "uploads"
        folder.mkdir()
        make_images(ROOT / "var" / "samples", folder)
        images = Images(folder)
        services = {
            name: opened.enter_context(running_service(tree.resolve(), scratch / name))
            for name, tree in trees.items()
        }
        order = list(services.values())
        for service in order:  # warm-up
            measure_one_client(service, images, range(BLOCK))
            service.seconds.clear()
            service.steps.clear()
            service.commands.clear()
        for turn in range(1, rounds + 1):
            for service in order:
                measure_one_client(service, images, range(turn * BLOCK, (turn + 1) * BLOCK))
            order.reverse()
        start = (rounds + 1) * BLOCK
        for _ in range(TURNS if options.clients else 0):
            for service in order:
                measure_many_clients(service, folder, start, MANY, options.clients)
            start += MANY + 2 * options.clients
            order.reverse()
        for name, service in services.items():
            counts = sorted(service.commands.items(), key=lambda item: -item[1])
            per = ", ".join(f"{command} {n / (rounds * BLOCK):.1f}" for command, n in counts)
            print(f"Redis commands, {name}: {per}")
        print(format_table(services, rounds * BLOCK, options.clients))


if __name__ == "__main__":
    main()
