"""The scoring of a folder as Prometheus sees it: a file that is replaced every few seconds."""

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
    GaugeKind(RUNNING, "1 while a folder is scored; its file is old when the run was killed."),
    GaugeKind(
        FILES,
        "Files of the present or last run, by what came of them: done, rejected, failed or unread; "
        "known when an earlier run had judged them, repeated when another file has the same bytes.",
        ("status",),
    ),
    GaugeKind(
        SKIPPED,
        "What lies in the folder and is no regular file, so it was never opened: pipes, sockets, "
        "devices and links to folders.",
    ),
    GaugeKind(TOTAL, "Image files found in the folder, and folders that cannot be listed."),
    GaugeKind(SPEED, "X-rays scored in a second, since the run began."),
    GaugeKind(SUCCEEDED, "When a run last ended without a file that failed or was unread."),
    GaugeKind(DURATION, "Length of the last run that succeeded."),
)
SCORED = ("done", "rejected")
STATUSES = (*SCORED, "failed", "unread", "known", "repeated")
WRITE_SECONDS = 5
"""Well below the interval of scrapes, and far above the time of a write."""


@contextmanager
def report_scoring(
    file: Path | None, total: int, skipped: int, counts: Mapping[str, int]
) -> Iterator[Callable[[], None]]:
    """Report in `file`, if one is given, a run over `total` files that counts in `counts`.

    Within it, call what it gives as often as there is news.
    """
    gauges = GaugeFile(file, GAUGES)
    started = time.monotonic()
    written = float("-inf")

    def tell(running: bool) -> None:
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

    def tell_now_and_then() -> None:
        if time.monotonic() > written + WRITE_SECONDS:
            tell(True)

    tell(True)
    try:
        yield tell_now_and_then
        if not (counts["failed"] or counts["unread"]):
            gauges.set(SUCCEEDED, time.time())
            gauges.set(DURATION, time.monotonic() - started)
    finally:
        tell(False)
