"""How long a worker takes from its start until it is warm."""

import statistics
from typing import Any

from tests.bench.figures import Row
from tests.bench.processes import time_worker_start
from tests.bench.section import Section
from tests.bench.workbench import Workbench


def measure_starts(bench: Workbench) -> list[float]:
    """Seconds of each start."""
    log = bench.scratch / "cold.log"
    return [time_worker_start(bench.stack, log) for _ in range(bench.counts.starts)]


def start_rows(found: Any) -> list[Row]:
    """Its line."""
    start = statistics.median(found)
    return [Row("Worker, from start to ready", f"{start:.1f} s", "under 3 s", start < 3)]


START = Section("start", "Cold start of the worker", measure_starts, start_rows)
