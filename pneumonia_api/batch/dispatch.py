"""Files -> tasks for however many workers there are, each followed to its end.

As for an upload, the bytes are stored, then the record, then the task is published; a file whose
task was lost on the way is published again by the workers' timer.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from uuid import uuid4

import redis
from kombu.exceptions import OperationalError
from tqdm import tqdm

from pneumonia_api.batch.intake import File, Intake, patiently
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.publishing import create_queue, publish
from pneumonia_api.records.xrays import XrayMissing, XrayStore

BATCH = 16

MAX_TASKS = 64
"""Tasks that wait in the queue, beside those that workers hold: enough for dozens of workers
between two looks, and an upload of a clinician waits behind no more than these."""

LOOK_SECONDS = 0.2
LONELY_SECONDS = 30


class Dispatcher:
    """Sends what an `Intake` brings to the workers' queue and waits for the results."""

    def __init__(
        self, xrays: XrayStore, images: ImageStore, pool: ThreadPoolExecutor, redis_url: str
    ) -> None:
        self._xrays = xrays
        self._images = images
        self._pool = pool
        self._queue = create_queue(redis_url)
        self.request_id = uuid4().hex  # the workers' log names this run by it
        self._pending: list[tuple[File, str]] = []

    def run(self, intake: Intake, paths: Sequence[Path]) -> Iterator[list[File]]:
        """Files whose records are finished, in the order of their finishing."""
        for files in intake.run(paths, BATCH):
            self._send([f for f in files if not (f.known or f.repeated or f.error)])
            # What an earlier run sent is waited for, too.
            queued = [f for f in files if f.record and f.record.status == "queued"]
            ours = [f for f in queued if not f.repeated]
            self._pending += [(f, f.record.id) for f in ours if f.record]
            yield [f for f in files if f not in ours]
            yield from self._follow(until_empty=False)
        yield from self._follow(until_empty=True)

    def _send(self, files: list[File]) -> None:
        written = [
            self._pool.submit(self._images.write_incoming, file.record.id, file.data)
            for file in files
            if file.record and file.waits
        ]
        for future in written:
            future.result()
        records = [file.record for file in files if file.record]
        lost = {xray.id for xray in patiently(lambda: self._xrays.add_batch(records))}
        for file, record in zip(files, records, strict=True):
            file.data = b""
            if record.id in lost:
                self._images.delete_incoming(record.id)
                file.repeated = True  # another run was faster with the same bytes
            elif record.status == "queued":
                patiently(partial(self._publish, record.id))

    def _publish(self, xray_id: str) -> None:
        """As `publish`, with the error for which `patiently` waits."""
        try:
            publish(self._queue, xray_id, self.request_id)
        except OperationalError as error:
            raise redis.ConnectionError(str(error)) from error

    def _follow(self, until_empty: bool) -> Iterator[list[File]]:
        """Collect until there is room in the queue, or until nothing is pending."""
        quiet_since, told = time.monotonic(), False
        while self._pending if until_empty else patiently(self._xrays.count_tasks) >= MAX_TASKS:
            finished = self._collect()
            yield finished
            if finished:
                quiet_since = time.monotonic()
            elif not told and time.monotonic() > quiet_since + LONELY_SECONDS:
                told = True
                if not patiently(self._xrays.has_worker):
                    tqdm.write("No worker is alive; start one, this run waits for it.")
            time.sleep(LOOK_SECONDS)

    def _collect(self) -> list[File]:
        finished, pending = [], []
        for file, xray_id in self._pending:
            try:
                file.record = patiently(partial(self._xrays.get, xray_id))
            except XrayMissing:
                file.record, file.error = None, "Its record was deleted meanwhile."
            if file.record and file.record.status == "queued":
                pending.append((file, xray_id))
            else:
                finished.append(file)
        self._pending = pending
        return finished
