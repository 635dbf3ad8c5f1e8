"""Reads the files of an archive ahead of their use, and finds those that were scored before.

Memory holds a few batches of files at most. Redis never receives a file's name or path, because
hospitals put patients' names and numbers there; it identifies a file by its fingerprint.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from model.cage.pool import PreviewedXray
from pneumonia_api.batch.listing import NotRegular, open_regular
from pneumonia_api.batch.outage import retry_through_outage
from pneumonia_api.records.record import (
    BATCH_SOURCE,
    XrayMissing,
    XrayRecord,
    fingerprint_file,
    new_xray,
)
from pneumonia_api.records.xrays import XrayStore

A = TypeVar("A")
B = TypeVar("B")


@dataclass(eq=False)
class File:
    """One file on its way through a run; `record` is what is stored, or will be.

    `fingerprint` identifies the file's bytes and what decides. `known`: an earlier run stored the
    record. `repeated`: another file of this run has the same bytes. `error`: why the file could not
    be read from disk; such a file has no record. `fault`: kind and place of an exception of the
    decoder, without its message, which may quote the file. `image` is set between decoding and
    prediction.
    """

    path: Path
    digest: str = ""
    data: bytes = b""
    too_large: bool = False
    fingerprint: str = ""
    record: XrayRecord | None = None
    known: bool = False
    repeated: bool = False
    error: str = ""
    fault: str = ""
    image: PreviewedXray | None = None

    @property
    def is_pending(self) -> bool:
        """Whether this run must still judge the file."""
        fresh = not (self.known or self.repeated or self.error)
        return fresh and self.record is not None and self.record.status == "queued"


def lookahead(items: Iterable[A], start: Callable[[A], Callable[[], B]]) -> Iterator[B]:
    """Start each item before collecting the result of the previous one.

    `start` returns the function that collects the result.
    """
    started: deque[Callable[[], B]] = deque()
    for item in items:
        started.append(start(item))
        if len(started) > 1:
            yield started.popleft()()
    while started:
        yield started.popleft()()


class Intake:
    """Turns paths into batches of `File`, each with its record; reads in the threads of `pool`."""

    def __init__(
        self, xrays: XrayStore, pool: ThreadPoolExecutor, judge: str, max_bytes: int
    ) -> None:
        """`judge` is what decides, the model and its site profile (`profiles.name_judge`)."""
        self._xrays = xrays
        self._pool = pool
        self._judge = judge
        self._max_bytes = max_bytes
        self._seen: set[str] = set()  # fingerprints

    def run(self, paths: Sequence[Path], batch: int) -> Iterator[list[File]]:
        """Batches in the order of `paths`, each read while the previous one is used."""
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
        # Half of a file that is still being copied must be neither judged nor rejected.
        if (size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            return File(path, error="It changed while it was read; run the same command again.")
        return File(path, digest.hexdigest(), data, too_large)

    def _identify(self, files: list[File]) -> None:
        for file in files:
            file.fingerprint = fingerprint_file(file.digest, self._judge)
            file.repeated = file.fingerprint in self._seen
            self._seen.add(file.fingerprint)
        found = retry_through_outage(
            lambda: self._xrays.find_scored([file.fingerprint for file in files])
        )
        for file, xray_id in zip(files, found, strict=True):
            file.record = self._find(xray_id) if xray_id else None
            file.known = file.record is not None
            if file.record is None:
                file.record = new_xray(BATCH_SOURCE, file.digest, fingerprint=file.fingerprint)
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
            return retry_through_outage(lambda: self._xrays.get(xray_id))
        except XrayMissing:
            return None  # deleted a moment ago
