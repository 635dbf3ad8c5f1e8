"""Where each millisecond of one upload goes, from the client's first byte to its answer.

    python -m tests.bench.path [--against CHECKOUT ...] [--uploads 96] [--clients 8]

Starts Redis (each write on the disk), the API and a worker with the commands of their units, the
last two inside `tests/bench/tracing.py`, and prints a Markdown table of medians over uploads by one
client; then what the parts cost under `--clients` at a time. With `--against`, the services of
other checkouts of this repository run as well and take turns, block by block.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.clients import Machine
from tests.bench.images import Images, make_images
from tests.bench.sides import ROOT, Side
from tests.bench.traced_service import KEY, Service, memory_mb, running_service

BLOCK = 16
TURNS, MANY = 3, 96
"""How often and how many uploads each checkout judges for several clients."""


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
    ("preview awaited, written and synced", "ImageStore.write_preview", "end"),
    ("end state written; preview, unless synced before", "XrayStore.finish", "end"),
    ("API woken, record read", "XrayStore.wait_finished", "end"),
    ("answer made and sent", "PatientWorker.handle", "end"),
)
"""What lies between one mark and the next: a step ends where the named call begins or ends."""

AFTER = ("ImageStore.delete_incoming", "Deliveries._release", "QoS.ack")
"""Calls after the answer, which take the worker's time but not the client's."""


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
    add("worker, from start to ready, s", [side.start_seconds for side in sides])
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
    trees = {tree.name: tree for tree in options.against} | {"here": ROOT}
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
