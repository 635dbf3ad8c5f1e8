"""Sends files to the workers, however many there are, and waits for their results.

As for an upload, the bytes are stored first, then the record, then the task is published. The
workers' timer publishes a lost task again.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from uuid import uuid4

import redis
from tqdm import tqdm

from pneumonia_api.batch.intake import File, Intake
from pneumonia_api.batch.outage import retry_through_outage
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.publishing import count_tasks, create_queue, publish
from pneumonia_api.records.record import XrayMissing
from pneumonia_api.records.workers import Workers
from pneumonia_api.records.xrays import XrayStore

BATCH = 16

MAX_TASKS = 64
"""Tasks that may wait in the queue, in addition to those that workers hold. They keep dozens of
workers busy for LOOK_SECONDS, and a clinician's upload waits behind no more than these."""

LOOK_SECONDS = 0.2
LONELY_SECONDS = 30
"""Without a result for so long, the run checks that a worker is alive."""


class Dispatcher:
    """Sends the files of an `Intake` to the workers' queue and waits for the results."""

    def __init__(self, client: redis.Redis, images: ImageStore, pool: ThreadPoolExecutor) -> None:
        self._redis = client
        self._xrays = XrayStore(client)
        self._images = images
        self._pool = pool
        self._queue = create_queue()
        self.request_id = uuid4().hex  # identifies this run in the workers' logs
        self._pending: list[tuple[File, str]] = []

    def run(self, intake: Intake, paths: Sequence[Path]) -> Iterator[list[File]]:
        """Files whose records are finished, in the order in which they finish."""
        for files in intake.run(paths, BATCH):
            self._send([f for f in files if not (f.known or f.repeated or f.error)])
            # Includes files that an earlier run sent.
            sent = [
                (f, f.record.id)
                for f in files
                if f.record and f.record.status == "queued" and not f.repeated
            ]
            self._pending += sent
            waiting = {f for f, _ in sent}
            yield [f for f in files if f not in waiting]
            yield from self._follow(until_empty=False)
        yield from self._follow(until_empty=True)

    def _send(self, files: list[File]) -> None:
        written = [
            self._pool.submit(self._images.write_incoming, file.record.id, file.data)
            for file in files
            if file.record and file.is_pending
        ]
        for future in written:
            future.result()
        records = [file.record for file in files if file.record]
        lost = {xray.id for xray in retry_through_outage(lambda: self._xrays.add_scored(records))}
        for file, record in zip(files, records, strict=True):
            file.data = b""
            if record.id in lost:
                self._images.delete_incoming(record.id)
                file.repeated = True  # another run sent the same bytes first
            elif record.status == "queued":
                send = partial(publish, self._redis, self._queue, record.id, self.request_id)
                retry_through_outage(send)

    def _follow(self, until_empty: bool) -> Iterator[list[File]]:
        """Collect results until the queue has room, or until nothing is pending."""
        quiet_since, warned = time.monotonic(), False
        while self._pending if until_empty else self._is_queue_full():
            finished = self._collect()
            yield finished
            if finished:
                quiet_since = time.monotonic()
            elif not warned and time.monotonic() > quiet_since + LONELY_SECONDS:
                warned = True
                if not retry_through_outage(Workers(self._redis).count):
                    tqdm.write("No worker is alive; start one, this run waits for it.")
            time.sleep(LOOK_SECONDS)

    def _is_queue_full(self) -> bool:
        return retry_through_outage(partial(count_tasks, self._redis)) >= MAX_TASKS

    def _collect(self) -> list[File]:
        finished, pending = [], []
        for file, xray_id in self._pending:
            try:
                file.record = retry_through_outage(partial(self._xrays.get, xray_id))
            except XrayMissing:
                file.record, file.error = None, "Its record was deleted in the meantime."
            if file.record and file.record.status == "queued":
                pending.append((file, xray_id))
            else:
                finished.append(file)
        self._pending = pending
        return finished
