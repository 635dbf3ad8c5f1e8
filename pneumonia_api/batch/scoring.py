"""Scores files on this machine: decode, predict, store; each step works ahead of the next."""

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from model.cage.pool import Cage, CageFault, PreviewedXray
from model.reading.limits import UnreadableXray
from model.serving.predictor import conclude
from model.serving.rule import DecisionRule
from pneumonia_api.batch.intake import File, Intake, lookahead
from pneumonia_api.batch.outage import retry_through_outage
from pneumonia_api.batch.runtimes import Runtime
from pneumonia_api.judging import TRIES, fail, judge, name_by_file, read, reject
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.xrays import XrayStore

REMEDY = "export it again, or delete this record and score its folder again"


def locate(error: BaseException) -> str:
    """Type of an exception and the line that raised it, without its message.

    The message may quote the file.
    """
    if isinstance(error, CageFault):
        return str(error)  # a line of the reader, in the caged process
    frames = traceback.extract_tb(error.__traceback__)
    line = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{line}"


class Scorer:
    """Judges the files of an `Intake`. A run may be killed at any time: no file is half scored.

    One transaction stores the records of a batch and the fingerprints of its files. Previews are
    stored just before; without its record, a preview is invisible, and the workers sweep it.
    """

    def __init__(
        self,
        xrays: XrayStore,
        images: ImageStore,
        runtime: Runtime,
        pool: ThreadPoolExecutor,
        max_pixels: int,
        rule: DecisionRule | None = None,
    ) -> None:
        """`rule` decides for the whole run, or else that of the artifact."""
        self._xrays = xrays
        self._images = images
        self._runtime = runtime
        self._pool = pool
        self._max_pixels = max_pixels
        self._rule = rule
        self._cage = Cage(len(os.sched_getaffinity(0)))
        self._cage.start()

    def check(self) -> None:
        """Wait until the cage is ready. Raises CageLost when this machine cannot start it."""
        self._cage.check()

    def run(self, intake: Intake, paths: Sequence[Path]) -> Iterator[list[File]]:
        """Batches of files whose records are stored."""
        batches = intake.run(paths, self._runtime.batch)
        for files in lookahead(lookahead(batches, self._start_reading), self._start_predicting):
            self._store(files)
            yield files

    def _start_reading(self, files: list[File]) -> Callable[[], list[File]]:
        started = [
            (file, file.record, self._pool.submit(self._read, file.data))
            for file in files
            if file.record and file.is_pending
        ]

        def collect() -> list[File]:
            for file, record, reading in started:
                self._take(file, record, reading)
            return files

        return collect

    def _read(self, data: bytes) -> PreviewedXray:
        """The only step whose exceptions are a file's own; see `_take`."""
        artifact = self._runtime.artifact
        side, ages = artifact.input_side, artifact.ages
        return read(self._cage, data, self._max_pixels, side, ages, tries=TRIES)

    @staticmethod
    def _take(file: File, record: XrayRecord, reading: Future[PreviewedXray]) -> None:
        file.data = b""
        error = reading.exception()
        if error is None:
            file.image = reading.result()
        elif isinstance(error, UnreadableXray):
            file.record = reject(record, error)
        elif isinstance(error, Exception):
            # As in the worker, whatever a decoder raises fails this file and no other.
            file.record = fail(record, REMEDY)
            file.fault = locate(error)
        else:
            raise error

    def _start_predicting(self, files: list[File]) -> Callable[[], list[File]]:
        started = [(f, f.record, f.image) for f in files if f.record and f.image]
        outputs = self._runtime.start([image.input for _, _, image in started], self._rule)

        def collect() -> list[File]:
            previews = []
            for (file, record, image), output in zip(started, outputs(), strict=True):
                prediction = conclude(self._runtime.artifact, output, self._rule)
                named = name_by_file(record, image)
                file.record = judged = judge(named, prediction, image.warnings, image.age)
                previews.append(
                    self._pool.submit(self._images.write_preview, judged.id, image.preview)
                )
                file.image = None
            for stored in previews:
                stored.result()
            return files

        return collect

    def _store(self, files: list[File]) -> None:
        records = [f.record for f in files if f.record and not (f.known or f.repeated)]
        for lost in retry_through_outage(lambda: self._xrays.add_scored(records)):
            self._images.delete_pictures(lost.id)
