"""What monitoring costs: the same uploads while its programs run and while they are suspended.

Suspended, nobody scrapes the services and no rule is evaluated; the services themselves go on
counting, which cannot be switched off. Prometheus scrapes at its default interval, so a turn must
be longer than that.
"""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from local.parts import CannotStart
from local.watchers import check_programs
from tests.bench.figures import Row
from tests.bench.section import Section
from tests.bench.sides import Side
from tests.bench.throughput import CLIENTS
from tests.bench.workbench import Workbench
from tests.stack import Stack, running_stack

WAIT_SECONDS = 30


def find_watchers(stack: Stack) -> list[psutil.Process]:
    """Prometheus, Alertmanager and the exporters: Debian calls all of them prometheus."""
    children = psutil.Process(stack.process.pid).children(recursive=True)
    return [child for child in children if Path(child.exe()).name.startswith("prometheus")]


def measure_watching(
    scratch: Path, folder: Path, settings: Mapping[str, str], uploads: int, turns: int
) -> dict[str, Any] | None:
    """Images per second of `turns` pairs of turns of `uploads` each, after one pair of warm-up.

    None where the programs of MONITORING=1 are not installed. `share` is the watchers' part of all
    processor time of the turns in which they were awake.
    """
    try:
        check_programs()
    except CannotStart:
        return None
    found: dict[str, list[float]] = {"awake": [], "asleep": []}
    spent = elapsed = 0.0
    with (
        running_stack(scratch / "watched", MONITORING="1", **settings) as stack,
        Side("tests.bench.load", stack.ports["API_PORT"], stack.var / "api-key", folder) as load,
    ):
        watchers, start = find_watchers(stack), 0
        for turn in range(turns + 1):
            for name in ("awake", "asleep") if turn % 2 else ("asleep", "awake"):
                for watcher in watchers:
                    (watcher.resume if name == "awake" else watcher.suspend)()
                before = sum(sum(watcher.cpu_times()[:2]) for watcher in watchers)
                sent = load.ask(start=start, count=uploads, threads=CLIENTS, wait=WAIT_SECONDS)
                start += uploads
                if turn:
                    seconds = sent["ended"] - sent["started"]
                    found[name].append(uploads / seconds)
                    if name == "awake":
                        spent += sum(sum(w.cpu_times()[:2]) for w in watchers) - before
                        elapsed += seconds
        for watcher in watchers:  # a suspended one would not end
            watcher.resume()
    pairs = zip(found["awake"], found["asleep"], strict=True)
    return {
        "images_per_second": found,
        "loss": 1 - statistics.median(awake / asleep for awake, asleep in pairs),
        "share": spent / (elapsed * (psutil.cpu_count() or 1)),
        "watchers": len(watchers),
    }


def measure(bench: Workbench) -> dict[str, Any] | None:
    """On a system of its own."""
    counts = bench.counts
    return measure_watching(
        bench.scratch, bench.folder, bench.settings, counts.watched, counts.watches
    )


def watching_rows(found: dict[str, Any] | None) -> list[Row]:
    """Its line."""
    what = "Being watched: Prometheus, Alertmanager and exporters awake and asleep, in turns"
    if found is None:
        return [Row(what, "not measured: the programs of `MONITORING=1` are not installed")]
    awake, asleep = (
        statistics.median(found["images_per_second"][name]) for name in ("awake", "asleep")
    )
    return [
        Row(
            what,
            f"{awake:.1f} images/s, {asleep:.1f} images/s; {found['loss']:.1%} lost, median of "
            f"pairs; {found['share']:.1%} of the processors' time",
            "under 2 % lost",
            found["loss"] < 0.02,
        )
    ]


WATCHING = Section(
    "watching", "Uploads to a second system, watched and not watched", measure, watching_rows
)
