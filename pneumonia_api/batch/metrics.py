"""Metrics of archive scoring, in a file that is rewritten every few seconds."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from monitoring.metrics.gauges import GaugeKind
from monitoring.metrics.textfile import GaugeFile

RUNNING = "pneumonia_batch_running"
FILES = "pneumonia_batch_files"
SKIPPED = "pneumonia_batch_skipped_files"
TOTAL = "pneumonia_batch_total_files"
SPEED = "pneumonia_batch_images_per_second"
SUCCEEDED = "pneumonia_batch_last_success_timestamp_seconds"
DURATION = "pneumonia_batch_duration_seconds"

GAUGES = (
    GaugeKind(RUNNING, "1 while a run is going on; its file is old if the run was killed."),
    GaugeKind(
        FILES,
        "Files of the current or last run, by result: done, rejected, failed or unread; known if "
        "an earlier run judged them, repeated if another file has the same bytes.",
        ("status",),
    ),
    GaugeKind(
        SKIPPED,
        "Paths in the folder that are not regular files and were not opened: pipes, sockets, "
        "devices and links to folders.",
    ),
    GaugeKind(TOTAL, "Image files found in the folder, and folders that cannot be listed."),
    GaugeKind(SPEED, "X-rays scored per second since the run began."),
    GaugeKind(SUCCEEDED, "When a run last ended without failed or unread files."),
    GaugeKind(DURATION, "Duration of the last run that succeeded."),
)
SCORED = ("done", "rejected")
STATUSES = (*SCORED, "failed", "unread", "known", "repeated")
WRITE_SECONDS = 5
"""Well below the scrape interval, and far above the time of a write."""


@contextmanager
def report_scoring(
    file: Path | None, total: int, skipped: int, counts: Mapping[str, int]
) -> Iterator[Callable[[], None]]:
    """Write the metrics of a run over `total` files to `file`, if any, while the block runs.

    Yields a function to call whenever `counts` has changed.
    """
    gauges = GaugeFile(file, GAUGES)
    started = time.monotonic()
    written = float("-inf")

    def write(running: bool) -> None:
        nonlocal written
        written = time.monotonic()
        scored = sum(counts[status] for status in SCORED)
        gauges.set(RUNNING, running)
        gauges.set(TOTAL, total)
        gauges.set(SKIPPED, skipped)
        gauges.set(SPEED, scored / max(written - started, 1e-3))
        for status in STATUSES:
            gauges.set(FILES, counts[status], status)
        gauges.write()

    def write_if_due() -> None:
        if time.monotonic() > written + WRITE_SECONDS:
            write(True)

    write(True)
    try:
        yield write_if_due
        if not (counts["failed"] or counts["unread"]):
            gauges.set(SUCCEEDED, time.time())
            gauges.set(DURATION, time.monotonic() - started)
    finally:
        write(False)
