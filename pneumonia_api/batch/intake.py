"""Files read ahead of their use, and each told apart from what was scored before.

Memory is bounded by a few batches of files. Redis never learns a name or path: hospitals put names
and numbers of patients there. What it knows a file by is `pneumonia_api.records.xrays.name_batch`.
"""

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import redis
from tqdm import tqdm

from pneumonia_api.batch.listing import NotRegular, open_regular
from pneumonia_api.records.xrays import (
    BATCH_SOURCE,
    XrayMissing,
    XrayRecord,
    XrayStore,
    name_batch,
    new_xray,
)

WAIT_SECONDS = 900
"""How long Redis may be away: a restart or failover. Far below the hour after which images without
a record may be swept from the image store, because previews are written before their records."""

A = TypeVar("A")
B = TypeVar("B")


@dataclass(eq=False)
class File:
    """One file on its way; `record` is what is stored, or will be.

    `known`: an earlier run stored the record. `repeated`: another file of this run has the same
    bytes. `error`: why it could not even be read from the disk; such a file has no record.
    `fault`: what its decoder raised, without the words of the exception, which may quote the file.
    """

    path: Path
    digest: str = ""
    data: bytes = b""
    too_large: bool = False
    name: str = ""
    record: XrayRecord | None = None
    known: bool = False
    repeated: bool = False
    error: str = ""
    fault: str = ""
    image: np.ndarray | None = None
    warnings: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether it is still to be judged in this run."""
        fresh = not (self.known or self.repeated or self.error)
        return fresh and self.record is not None and self.record.status == "queued"


def lookahead(items: Iterable[A], start: Callable[[A], Callable[[], B]]) -> Iterator[B]:
    """Start each item, which returns how to collect it, while the one before is being collected."""
    started: deque[Callable[[], B]] = deque()
    for item in items:
        started.append(start(item))
        if len(started) > 1:
            yield started.popleft()()
    while started:
        yield started.popleft()()


def patiently(operation: Callable[[], B]) -> B:
    """The operation's answer, tried again while Redis is away, for WAIT_SECONDS at most.

    Whatever is passed here may have been carried out although its answer was lost.
    """
    end, pause, told = time.monotonic() + WAIT_SECONDS, 0.5, False
    while True:
        try:
            answer = operation()
        except redis.AuthenticationError:
            raise  # a ConnectionError by its class, but waiting does not help
        except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError):
            if time.monotonic() > end:
                raise
            if not told:
                tqdm.write("Redis does not answer; waiting for it, nothing is lost.")
                told = True
            time.sleep(pause)
            pause = min(2 * pause, 5)
        else:
            if told:
                tqdm.write("Redis answers again; going on.")
            return answer


class Intake:
    """Files -> batches of `File`, read by the threads of `pool`, each with its record."""

    def __init__(
        self, xrays: XrayStore, pool: ThreadPoolExecutor, model: str, max_bytes: int
    ) -> None:
        self._xrays = xrays
        self._pool = pool
        self._model = model
        self._max_bytes = max_bytes
        self._names: set[str] = set()

    def run(self, paths: Sequence[Path], batch: int) -> Iterator[list[File]]:
        """Batches in the order of `paths`; the next one is read meanwhile."""
        batches = (paths[start : start + batch] for start in range(0, len(paths), batch))
        for files in lookahead(batches, self._start_reading):
            self._identify([file for file in files if not file.error])
            yield files

    def _start_reading(self, paths: Sequence[Path]) -> Callable[[], list[File]]:
        started = [self._pool.submit(self._read, path) for path in paths]
        return lambda: [future.result() for future in started]

    def _read(self, path: Path) -> File:
        try:
            with open_regular(path) as file:
                before = os.fstat(file.fileno())
                if too_large := before.st_size > self._max_bytes:
                    digest, data = hashlib.file_digest(file, "sha256"), b""
                else:
                    data = file.read(self._max_bytes + 1)
                    digest = hashlib.sha256(data)
                size, after = file.tell(), os.fstat(file.fileno())
        except NotRegular as error:
            return File(path, error=str(error))
        except OSError as error:
            return File(path, error=f"{error.strerror}.")
        # What is still being copied here would be judged, or rejected for good, by half.
        if (size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            return File(path, error="It changed while it was read; run the same command again.")
        return File(path, digest.hexdigest(), data, too_large)

    def _identify(self, files: list[File]) -> None:
        for file in files:
            file.name = name_batch(file.digest, self._model)
            file.repeated = file.name in self._names
            self._names.add(file.name)
        found = patiently(lambda: self._xrays.find_batch([file.name for file in files]))
        for file, xray_id in zip(files, found, strict=True):
            file.record = self._find(xray_id) if xray_id else None
            file.known = file.record is not None
            if file.record is None:
                file.record = new_xray(BATCH_SOURCE, file.digest, ending=file.name)
                if file.too_large:
                    reason = (
                        f"The file is larger than {self._max_bytes >> 20} MB; "
                        "export the X-ray smaller."
                    )
                    file.record = replace(file.record, status="rejected", reason=reason)
            if file.known or file.repeated:
                file.data = b""

    def _find(self, xray_id: str) -> XrayRecord | None:
        try:
            return patiently(lambda: self._xrays.get(xray_id))
        except XrayMissing:
            return None  # deleted this moment
