"""How fast the worklist answers, and how much memory a record takes, with very many records.

    python -m tests.bench.worklist [--records 100000] [--requests 100]

A part of `make bench`. Starts a Redis with the project's configuration, writes finished records by
the code of the worker, and sends requests to the API in this process: for a page, for each filter
that the page offers, and for searches. A million records take ten minutes and 1 GB of memory.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import redis

from model.serving.artifact import Artifact, read_artifact
from model.serving.golden import Output, read_golden
from model.serving.predictor import Prediction, conclude
from pneumonia_api.app import create_app
from pneumonia_api.judging import judge
from pneumonia_api.records import keys
from pneumonia_api.records.lists import select_lists
from pneumonia_api.records.readings import ReviewRecord
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.xrays import XrayStore
from tests.bench.figures import Row
from tests.bench.redis_server import running_redis
from tests.bench.section import Section
from tests.bench.sides import ROOT
from tests.bench.workbench import Workbench

MODEL = ROOT / "model" / "artifact"
LIMIT = 50
RARE = 20
AT_ONCE = 1000

FILTERS = [
    "",
    "decision=pneumonia",
    "decision=normal",
    "status=done&reviewed=false",
    "status=done&reviewed=false&decision=pneumonia",
    "status=done&reviewed=false&decision=normal",
    "reviewed=true",
    "reviewed=true&decision=pneumonia",
    "reviewed=true&decision=normal",
    "tab=to_review&sort=oldest",
    "tab=to_review&sort=suspicion",
    "tab=uncertain",
    "tab=needs_person",
    "shown=withheld",
]
"""As the page sends them, in every combination."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a request to the API, and how many X-rays its answer has."""

    query: str
    p50: float
    p95: float
    found: int


@dataclass(frozen=True)
class WorklistFigures:
    """What `measure_worklist` found; memory in bytes for each record, in all and by part."""

    records: int
    write_seconds: float
    latencies: list[Latency]
    memory: float
    parts: dict[str, float]


def list_predictions(artifact: Artifact) -> list[Prediction]:
    """Those of the golden X-rays, with their real heat maps; a record in float32 is shorter."""
    golden = read_golden(MODEL, artifact)
    outputs = zip(golden.logits, golden.heatmaps, golden.distances, strict=True)
    return [
        conclude(artifact, Output(float(x), heat, float(d), "bfloat16")) for x, heat, d in outputs
    ]


def make_records(count: int) -> Iterator[XrayRecord]:
    """Finished records, a second apart, oldest first.

    The reference is a number as of a study, which sorts like the time. All have a review but the
    RARE oldest, and the reviews of the RARE next alone are of pneumonia: whatever a filter looks
    for is either everywhere or at the far end.
    """
    predictions = [p for p in list_predictions(read_artifact(MODEL)) if not p.refusal]
    by_decision = {
        decision: [p for p in predictions if p.decision == decision]
        for decision in ("pneumonia", "normal")
    }
    chance = np.random.default_rng(0)
    began = int((time.time() - count) * 1000)
    for number in range(count):
        xray = new_xray("doctor", chance.bytes(32).hex(), f"RX{number:08}")
        xray = replace(xray, id=f"{began + number * 1000:012x}{xray.id[12:]}")
        decision = "pneumonia" if number < 2 * RARE else "normal"
        choices = by_decision[decision]
        judged = judge(xray, choices[chance.integers(len(choices))], [], "unknown")
        if number >= RARE:
            note = "Consolidation" if number % 1000 == 0 else ""
            review = ReviewRecord("normal", note, "doctor", xray.created_at)
            judged = replace(judged, review=review)
        yield judged


def write_records(url: str, records: Iterator[XrayRecord]) -> None:
    """Store records, AT_ONCE in a transaction."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        store, pipe = XrayStore(client), client.pipeline()
        for number, xray in enumerate(records, 1):
            store.stage(pipe, xray)
            if number % AT_ONCE == 0:
                pipe.execute()
        pipe.execute()


def list_searches(count: int) -> list[str]:
    """A number, prefixes of numbers from few matches to all, words of notes, an id, and nothing."""
    middle = f"RX{count // 2:08}"
    return [
        *(f"q={middle[:digits]}" for digits in (10, 9, 8, 7, 6, 5, 2)),
        f"q={middle[:8]}&decision=pneumonia",
        "q=consolid",
        "q=consolid&reviewed=false",
        "q=RX&decision=pneumonia",
        "q=absent",
    ]


def measure_latencies(url: str, count: int, requests: int) -> list[Latency]:
    """Time each request as often, all in turn."""
    settings = {
        "REDIS_URL": url,
        "API_KEY": "bench",
        "WEB_KEY": "web",
        "IMAGE_STORE": "file:///none",
    }
    web = create_app(settings).test_client()
    headers = {"Authorization": "Bearer bench"}
    queries = [*FILTERS, *list_searches(count)]
    taken: dict[str, list[float]] = {query: [] for query in queries}
    found: dict[str, int] = {}
    for _ in range(requests):
        for query in queries:
            started = time.perf_counter()
            answer = web.get(f"/v1/xrays?limit={LIMIT}&{query}", headers=headers)
            taken[query].append(1000 * (time.perf_counter() - started))
            found[query] = len(answer.json["xrays"])
    return [
        Latency(
            query, float(np.percentile(times, 50)), float(np.percentile(times, 95)), found[query]
        )
        for query, times in taken.items()
    ]


def measure_parts(client: redis.Redis, count: int) -> dict[str, float]:
    """Bytes for each record of every kind of key, as Redis estimates them.

    The heat map of a pneumonia, of which there are few here, takes more memory.
    """
    normal, pneumonia = (
        float(np.mean([client.memory_usage(keys.xray(xray_id), samples=0) for xray_id in ids]))
        for ids in (
            [i for n in select_lists("done", each, True) for i in client.zrange(n, 0, AT_ONCE - 1)]
            for each in ("normal", "pneumonia")
        )
    )
    reuse = [client.memory_usage(key, samples=0) for key in client.scan_iter("reuse:*", 1000)]
    lists = [name for name in client.scan_iter("xrays:*", 1000) if name != keys.WORDS]
    return {
        "hash": normal,
        "hash of a pneumonia": pneumonia,
        "list of all": client.memory_usage(keys.XRAYS, samples=1000) / count,
        "list of its kind": sum(client.memory_usage(n, samples=1000) for n in lists) / count,
        "words": client.memory_usage(keys.WORDS, samples=1000) / count,
        "reuse": sum(reuse) / count,
    }


def measure_worklist(count: int, requests: int = 100) -> WorklistFigures:
    """Write `count` records and measure."""
    with tempfile.TemporaryDirectory(prefix="worklist-") as name, running_redis(Path(name)) as url:
        with redis.Redis.from_url(url, decode_responses=True) as client:
            empty = client.info("memory")["used_memory"]
            started = time.monotonic()
            write_records(url, make_records(count))
            seconds = time.monotonic() - started
            memory = (client.info("memory")["used_memory"] - empty) / count
            parts = measure_parts(client, count)
        latencies = measure_latencies(url, count, requests)
    return WorklistFigures(count, seconds, latencies, memory, parts)


def format_worklist(figures: WorklistFigures) -> str:
    """Two Markdown tables."""
    lines = [f"| request, {figures.records:,} records | X-rays | p50 | p95 |", "|---|---|---|---|"]
    lines += [
        f"| `{each.query or 'all'}` | {each.found} | {each.p50:.1f} ms | {each.p95:.1f} ms |"
        for each in figures.latencies
    ]
    parts = ", ".join(f"{name} {size:.0f}" for name, size in figures.parts.items())
    lines += ["", f"Redis memory for each finished record: {figures.memory:.0f} bytes ({parts})."]
    return "\n".join(lines)


def measure(bench: Workbench) -> dict[str, Any]:
    """In a Redis of its own."""
    return asdict(measure_worklist(bench.counts.records))


def worklist_rows(found: dict[str, Any]) -> list[Row]:
    """The slowest of all requests, and the memory of a record."""
    slowest = max(found["latencies"], key=lambda latency: latency["p95"])
    return [
        Row(
            f"Worklist of {found['records']:,} records: page, filters and searches by the API",
            f"p95 {slowest['p95']:.0f} ms in the slowest of {len(found['latencies'])} requests, "
            f"`{slowest['query']}`; p50 {slowest['p50']:.0f} ms",
            "p95 below 50 ms",
            slowest["p95"] < 50,
        ),
        Row(
            "... Redis memory per finished record",
            f"{found['memory'] / 1000:.2f} kB",
            "1.0 kB or less",
            found["memory"] <= 1000,
        ),
    ]


WORKLIST = Section("worklist", "The worklist with very many records", measure, worklist_rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="worklist", description="Measure the worklist.")
    parser.add_argument("--records", type=int, default=100_000, help="how many, default 100,000")
    parser.add_argument("--requests", type=int, default=100, help="of each kind, default 100")
    options: Any = parser.parse_args()
    print(format_worklist(measure_worklist(options.records, options.requests)))


if __name__ == "__main__":
    main()
