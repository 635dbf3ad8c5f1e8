"""Files -> predictions -> records, all on this machine; each step works ahead of the next."""

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from model.cage.pool import Cage, CagedXray, CageFault, CageLost
from model.reading.limits import UnreadableXray
from model.serving.predictor import conclude
from pneumonia_api.batch.intake import File, Intake, lookahead, patiently
from pneumonia_api.batch.runtimes import Runtime
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.xrays import XrayRecord, XrayStore, as_judged

FAILED_REASON = (
    "The X-ray could not be judged because of a fault on our side; export it again, or delete this "
    "record and score its folder again."
)


def locate(error: BaseException) -> str:
    """Kind of an exception and the line that raised it; its own words may quote the file."""
    if isinstance(error, CageFault):
        return str(error)  # lines of the reader, in another process
    frames = traceback.extract_tb(error.__traceback__)
    line = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{line}"


LOST_TRIES = 4
"""Times that a file is read whose reader is ended from outside; as often as in a worker."""


class Scorer:
    """Judges what an `Intake` brings; a kill at any point leaves no half of anything.

    A batch of records and the marks that its files are done are one transaction. Previews are
    written just before: without their records nobody can see them, and the workers sweep them.
    """

    def __init__(
        self,
        xrays: XrayStore,
        images: ImageStore,
        runtime: Runtime,
        pool: ThreadPoolExecutor,
        max_pixels: int,
    ) -> None:
        self._xrays = xrays
        self._images = images
        self._runtime = runtime
        self._pool = pool
        self._max_pixels = max_pixels
        self._cage = Cage(len(os.sched_getaffinity(0)))
        self._cage.start()

    def check(self) -> None:
        """Wait until files can be read. Raises CageLost when they cannot on this machine."""
        self._cage.check()

    def run(self, intake: Intake, paths: Sequence[Path]) -> Iterator[list[File]]:
        """Batches of files whose records are stored."""
        batches = intake.run(paths, self._runtime.batch)
        for files in lookahead(lookahead(batches, self._start_decoding), self._start_judging):
            self._store(files)
            yield files

    def _start_decoding(self, files: list[File]) -> Callable[[], list[File]]:
        started = [
            (file, file.record, self._pool.submit(self._decode, file.data))
            for file in files
            if file.record and file.waits
        ]

        def collect() -> list[File]:
            previews = [
                self._pool.submit(self._images.write_preview, record.id, preview)
                for file, record, decoding in started
                if (preview := self._take(file, record, decoding))
            ]
            for written in previews:
                written.result()
            return files

        return collect

    def _decode(self, data: bytes, tries: int = LOST_TRIES) -> CagedXray:
        """The only place where a file is decoded; what this raises is the file's own."""
        try:
            return self._cage.read(data, self._max_pixels, self._runtime.artifact.input_side)
        except CageLost:  # most likely ended for memory that others took
            if tries == 1:
                raise
        return self._decode(data, tries - 1)

    def _take(self, file: File, record: XrayRecord, decoding: Future[CagedXray]) -> bytes:
        """Put what came of decoding into `file`; returns the preview, empty where there is none."""
        file.data = b""
        error = decoding.exception()
        if error is None:
            decoded = decoding.result()
            file.image, file.warnings = decoded.input, decoded.warnings
            return decoded.preview
        if isinstance(error, UnreadableXray):
            file.record = replace(record, status="rejected", reason=str(error))
        elif isinstance(error, Exception):
            # As in a worker: whatever a decoder raises costs this file, never the others.
            file.record = replace(record, status="failed", reason=FAILED_REASON)
            file.fault = locate(error)
        else:
            raise error
        return b""

    def _start_judging(self, files: list[File]) -> Callable[[], list[File]]:
        judged = [(f, f.record, f.image) for f in files if f.record and f.image is not None]
        outputs = self._runtime.start([image for _, _, image in judged])

        def collect() -> list[File]:
            for (file, record, _), output in zip(judged, outputs(), strict=True):
                prediction = conclude(self._runtime.artifact, output)
                file.record = as_judged(record, asdict(prediction), file.warnings)
                if prediction.refusal:
                    self._images.delete_preview(record.id)
                file.image = None
            return files

        return collect

    def _store(self, files: list[File]) -> None:
        records = [f.record for f in files if f.record and not (f.known or f.repeated)]
        for lost in patiently(lambda: self._xrays.add_batch(records)):
            self._images.delete_preview(lost.id)
