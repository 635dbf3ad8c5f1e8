"""Many uploads at once: is each judged exactly once, and how fast?"""

import statistics
import time
from typing import Any

import requests

from tests.bench.figures import Row
from tests.bench.processes import Bystanders, measure_cpu, measure_memory, read_worker_metrics
from tests.bench.section import Section
from tests.bench.sides import Side
from tests.bench.workbench import WAIT_SECONDS, Workbench
from tests.stack import Stack

CLIENTS = 8
THREADS_OF_WORKER = 3
DRAIN_SECONDS = 300
STEPS = ("decode", "predict", "store")


def list_records(stack: Stack, **query: str) -> list[dict[str, Any]]:
    """The whole worklist, page by page."""
    records: list[dict[str, Any]] = []
    query["limit"] = "200"
    while True:
        answer = requests.get(
            f"{stack.api_url}/v1/xrays", params=query, headers=stack.headers, timeout=30
        )
        answer.raise_for_status()
        page = answer.json()
        records += page["xrays"]
        if page["cursor"] is None:
            return records
        query["cursor"] = page["cursor"]


def wait_drained(stack: Stack) -> float:
    """The time (CLOCK_MONOTONIC) at which the queue was empty, to about 0.1 s."""
    end = time.monotonic() + DRAIN_SECONDS
    while list_records(stack, status="queued"):
        if time.monotonic() > end:
            raise TimeoutError(f"X-rays were still queued after {DRAIN_SECONDS} s")
        time.sleep(0.1)
    return time.monotonic()


def mean_steps(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Mean milliseconds of each of the worker's steps between two readings of its metrics."""
    means = {}
    for step in STEPS:
        name = "pneumonia_worker_step_seconds"
        done = after[f"{name}_count {step}"] - before.get(f"{name}_count {step}", 0)
        took = after[f"{name}_sum {step}"] - before.get(f"{name}_sum {step}", 0)
        means[step] = took / done * 1000 if done else 0.0
    return means


def count_finished(metrics: dict[str, float]) -> int:
    """How many X-rays the worker counts as finished, with any outcome."""
    name = "pneumonia_worker_xrays_total "
    return int(sum(value for key, value in metrics.items() if key.startswith(name)))


def measure_load(stack: Stack, load: Side, start: int, count: int, wait: int) -> dict[str, Any]:
    """Send `count` X-rays from CLIENTS clients and account for each of them.

    With `wait`, each client sends its next X-ray when the last one is judged; without, all are
    sent as fast as the API takes them.
    """
    known = {record["id"] for record in list_records(stack)}
    metrics, cpu = read_worker_metrics(stack), measure_cpu(stack)
    sent = load.ask(start=start, count=count, threads=CLIENTS, wait=wait)
    ended = max(sent["ended"], wait_drained(stack)) if not wait else sent["ended"]
    metrics_after, cpu_after = read_worker_metrics(stack), measure_cpu(stack)
    new = [record for record in list_records(stack) if record["id"] not in known]
    cpu_ms = {part: (cpu_after[part] - cpu[part]) / count * 1000 for part in cpu}
    return {
        "sent": count,
        "answers": sent["answers"],
        "done": sum(record["status"] == "done" for record in new),
        "listed": len(new),
        "distinct": len({record["id"] for record in new}),
        "same_ids": {record["id"] for record in new} == set(sent["ids"]),
        "counted_by_worker": count_finished(metrics_after) - count_finished(metrics),
        "images_per_second": count / (ended - sent["started"]),
        "steps_ms": mean_steps(metrics, metrics_after),
        "cpu_ms_per_upload": {**cpu_ms, "clients": sent["cpu"] / count * 1000},
    }


def is_complete(load: dict[str, Any]) -> bool:
    """Whether none was lost and none was judged or listed twice."""
    counts = ("done", "listed", "distinct", "counted_by_worker")
    return load["same_ids"] and all(load[name] == load["sent"] for name in counts)


def measure_throughput(bench: Workbench) -> dict[str, Any]:
    """The yardstick's throughput before, between and after the two loads, and the memory then."""
    stack, counts = bench.stack, bench.counts

    def pace(threads: int = 1) -> float:
        count = counts.pace
        answer = bench.yardstick.ask(start=bench.reserve(count), count=count, threads=threads)
        return count / answer["elapsed"]

    def load(wait: int) -> dict[str, Any]:
        return measure_load(stack, side, bench.reserve(counts.uploads), counts.uploads, wait)

    with Side(
        "tests.bench.load", stack.ports["API_PORT"], stack.var / "api-key", bench.folder
    ) as side:
        bystanders = Bystanders()
        paces = [pace()]
        waiting = load(WAIT_SECONDS)
        paces.append(pace())
        burst = load(0)
        paces.append(pace())
        share = bystanders.share()
    return {
        "bystanders": share,
        "yardstick_per_second": paces,
        "overlapped_per_second": pace(THREADS_OF_WORKER),
        "waiting": waiting,
        "burst": burst,
        "memory_mb": measure_memory(stack),
    }


def throughput_rows(found: dict[str, Any]) -> list[Row]:
    """Both loads, and the memory of the parts that the goals name."""
    pace = statistics.mean(found["yardstick_per_second"])
    rows = [
        Row(
            "Yardstick's throughput",
            f"{pace:.1f} images/s; on three threads {found['overlapped_per_second']:.1f} "
            f"images/s; other processes took {found['bystanders']:.0%} of the processors",
        )
    ]
    for name, how in (("waiting", "each waiting for its result"), ("burst", "none waiting")):
        rows += _load_rows(found[name], how, pace)
    for part, name, limit in (("worker", "the worker", 450), ("api", "the API", 120)):
        memory = found["memory_mb"][part]
        rows.append(
            Row(
                f"Memory of {name} after the load (proportional set size)",
                f"{memory:.0f} MB",
                f"under {limit} MB",
                memory < limit,
            )
        )
    return rows


def _load_rows(load: dict[str, Any], how: str, pace: float) -> list[Row]:
    rate = load["images_per_second"]
    share = rate / pace
    strays = "" if is_complete(load) else f"; answers: {load['answers']}"
    cpu = ", ".join(f"{part} {ms:.0f}" for part, ms in load["cpu_ms_per_upload"].items() if ms >= 1)
    return [
        Row(
            f"{load['sent']} uploads from {CLIENTS} clients, {how}",
            f"{load['done']} done, {load['listed']} listed, {load['distinct']} distinct, "
            f"{load['counted_by_worker']} counted by the worker{strays}",
            "each once",
            is_complete(load),
        ),
        Row(
            "... throughput",
            f"{rate:.1f} images/s, {share:.0%} of the yardstick's",
            "60 images/s, and 90 % or more",
            rate >= 60 and share >= 0.9,
        ),
        Row("... processor time for one upload, ms", cpu),
    ]


LOAD = Section(
    "load", f"Uploads from {CLIENTS} clients, twice", measure_throughput, throughput_rows
)
