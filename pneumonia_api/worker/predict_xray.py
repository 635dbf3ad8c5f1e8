"""The worker's task: judge one X-ray, and retry or fail it after a fault on our side."""

import logging
import time
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import Any

import redis
from celery import Task
from kombu.exceptions import OperationalError

from model.cage.pool import Cage, LargeBusy, NoFilm, NoLongerWanted, Reading
from model.reading.limits import UnreadableXray
from model.serving.predictor import WORKER_STREAMS, Predictor
from pneumonia_api.judging import TRIES, choose_rule, fail, judge, name_by_file, reject, was_decoded
from pneumonia_api.records.deliveries import Deliveries, WorkerLost
from pneumonia_api.records.image_files import ImageStoreUnavailable
from pneumonia_api.records.images import ImageMissing, ImageStore
from pneumonia_api.records.profiles import Profiles
from pneumonia_api.records.publishing import TASK
from pneumonia_api.records.record import XrayMissing, XrayRecord
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.metrics import REFUSALS, RETRIES, STEPS, count_answer, count_end

log = logging.getLogger(__name__)

MAX_RETRIES = TRIES - 1

STORE_ERRORS = (
    ImageStoreUnavailable,
    redis.ConnectionError,
    redis.TimeoutError,
    redis.ResponseError,  # disk or memory full, or a read-only replica
    OperationalError,
)
"""Faults of Redis or the image store: they are not the X-ray's, and they pass."""


LARGE_PAUSE_SECONDS = 2
"""How long a large X-ray goes back to the queue while another one is decoded; far shorter than the
decoding of one, and than VISIBILITY_SECONDS."""


def _name(xray_id: str, **fields: Any) -> dict[str, Any]:
    """Fields of a log line about an X-ray."""
    return {"fields": {"xray": xray_id, **fields}}


class PredictXray(Task):
    """`predict_xray(id)`: judge one accepted X-ray; does nothing for a finished record.

    After a fault on our side, Celery retries three times within half a minute; then the record
    is `failed`, its upload is deleted, and the person must send it again. An outage of Redis or of
    the image store fails nothing: the record stays `queued`, its upload is kept, and the workers'
    timer publishes it again until the outage is over.
    """

    name = TASK
    acks_late = True
    ignore_result = True
    max_retries = MAX_RETRIES
    # The X-ray was accepted, so any fault from here on is ours: retry, then `on_failure` records
    # it. The backoff is 4, 8 and 16 s without jitter, because each pause must be shorter than
    # VISIBILITY_SECONDS: the message stays unacknowledged during the pause.
    autoretry_for = (Exception,)
    dont_autoretry_for = (WorkerLost,)
    retry_backoff = 4
    retry_backoff_max = 16
    retry_jitter = False

    def __init__(
        self,
        xrays: XrayStore,
        deliveries: Deliveries,
        images: ImageStore,
        profiles: Profiles,
        max_pixels: int,
        *,
        keeps_films: bool,
        takes_accession: bool = False,
        keeps_references: bool = False,
    ) -> None:
        self._xrays = xrays
        self._deliveries = deliveries
        self._images = images
        self._profiles = profiles
        self._max_pixels = max_pixels
        self._keeps_films = keeps_films
        self._takes_accession = takes_accession
        self._keeps_references = keeps_references
        self.cage = Cage(WORKER_STREAMS)
        self.predictor: Predictor  # set by LoadModel before the first task

    def run(self, xray_id: str) -> None:
        """Judge the X-ray, store the result, and delete the upload."""
        try:
            with self._deliveries.hold(xray_id) as xray:
                if xray:
                    self._judge(xray)
                else:
                    log.info("another delivery is judging it", extra=_name(xray_id))
        except XrayMissing:
            self._images.delete_pictures(xray_id)  # nothing of a deleted X-ray may stay
            self._images.delete_incoming(xray_id)

    def _judge(self, xray: XrayRecord) -> None:
        try:
            self._bring_to_end(xray)
        except NoFilm as error:
            # The result is stored, and a viewer shows the preview instead.
            log.warning("no film at full depth could be made: %s", error, extra=_name(xray.id))
            self._images.delete_incoming(xray.id)

    def _bring_to_end(self, xray: XrayRecord) -> None:
        if xray.status != "queued":
            self._complete(xray)
            return
        if self.request.get("large") and self.cage.decodes_large:
            self._postpone(xray.id)  # without reading its bytes again only to learn this
            return
        try:
            self._read_and_judge(xray)
        except LargeBusy:
            self._postpone(xray.id)
        except NoLongerWanted:
            # A delivery that has just stored `done` needs the upload until its preview is synced.
            if self._status(xray.id) not in ("queued", "done"):
                self._images.delete_incoming(xray.id)
        except UnreadableXray as error:
            if self._finish(reject(xray, error)):
                REFUSALS.labels(error.reason).inc()
            self._images.delete_incoming(xray.id)

    def _read_and_judge(self, xray: XrayRecord) -> None:
        """Raises what `Cage.begin` raises."""
        predictor = self.predictor  # a switch of models must not happen between the steps
        started = time.perf_counter()
        with self.cage.begin(
            self._images.read_incoming(xray.id),
            self._max_pixels,
            predictor.artifact.input_side,
            wanted=lambda: self._status(xray.id) == "queued",
            ages=predictor.artifact.ages,
            wait_if_large=False,
            film=self._keeps_films,
            accession=self._takes_accession,
            references=self._keeps_references,
        ) as reading:
            STEPS.labels("decode").observe(time.perf_counter() - started)
            rule = choose_rule(self._profiles, predictor.artifact)
            with STEPS.labels("predict").time():
                prediction = predictor.predict(reading.xray, rule)
            preview = reading.wait_preview()
            with STEPS.labels("store").time():
                read = reading.xray
                named = name_by_file(xray, read)
                judged = judge(named, prediction, read.warnings, read.age)
                if self._finish(judged, preview):
                    count_answer(prediction, read.age)
            if judged.status == "done":
                self._keep_film(xray.id, reading)
        self._images.delete_incoming(xray.id)

    def _keep_film(self, xray_id: str, reading: Reading) -> None:
        """After the result, for which nobody waits longer. Raises NoFilm or CageLost."""
        if not self._keeps_films:
            return
        with STEPS.labels("film").time():
            self._images.write_film(xray_id, reading.wait_film())
        if not self._xrays.exists(xray_id):
            self._images.delete_pictures(xray_id)  # deleted in the meantime

    def _complete(self, xray: XrayRecord) -> None:
        """Do what an earlier delivery left undone that died after the end state.

        Its upload is there, so its preview may not have reached the disk, or its film is missing.
        Raises as `_read_and_judge` does, but for LargeBusy.
        """
        try:
            data = self._images.read_incoming(xray.id)
        except ImageMissing:
            return
        if was_decoded(xray):
            side = self.predictor.artifact.input_side
            film = self._keeps_films and xray.status == "done"
            with self.cage.begin(data, self._max_pixels, side, film=film) as reading:
                self._images.write_preview(xray.id, reading.wait_preview())
                if not self._xrays.exists(xray.id):
                    self._images.delete_pictures(xray.id)  # deleted in the meantime
                if film:
                    self._keep_film(xray.id, reading)
        self._images.delete_incoming(xray.id)

    def _postpone(self, xray_id: str) -> None:
        """Leave this thread to other X-rays while another large one is decoded."""
        log.info("waits for another large X-ray", extra=_name(xray_id))
        request_id = self.request.get("request_id") or self.request.id
        self.apply_async(
            (xray_id,),
            countdown=LARGE_PAUSE_SECONDS,
            retries=self.request.retries,
            headers={"request_id": request_id, "large": True},
        )

    def _status(self, xray_id: str) -> str | None:
        """The record's status now, after a wait; None if the record is gone."""
        return self._xrays.read_statuses([xray_id]).get(xray_id)

    def on_failure(
        self, exc: Exception, task_id: str, args: tuple[str], kwargs: dict[str, Any], einfo: Any
    ) -> None:
        """After the last retry: record `failed`, unless a store is unreachable.

        A finished record stays as it is. Its upload is kept, too, from which its preview is made:
        the hourly sweep publishes its task again.
        """
        del task_id, kwargs, einfo
        [xray_id] = args
        if isinstance(exc, STORE_ERRORS):
            log.error("waits until the store is back: %s", exc, extra=_name(xray_id))
            with suppress(redis.RedisError):
                self._deliveries.forget_begun(xray_id)
            return
        log.error("failed for good", exc_info=exc, extra=_name(xray_id))
        try:
            xray = self._xrays.get(xray_id)
        except XrayMissing:
            return
        if xray.status == "queued":
            self._finish(fail(xray, "send it again"))
            self._images.delete_incoming(xray_id)

    def on_retry(
        self, exc: Exception, task_id: str, args: tuple[str], kwargs: dict[str, Any], einfo: Any
    ) -> None:
        """Log and count the retry."""
        del task_id, kwargs, einfo
        RETRIES.inc()
        log.warning("is tried again after %s", type(exc).__name__, extra=_name(args[0]))

    def _finish(self, xray: XrayRecord, preview: bytes | None = None) -> bool:
        """Store the end state; False if the record had already ended.

        Nobody waits for the preview to reach the disk: until then the upload is kept, and the task
        is not acknowledged, so after a power cut the next delivery makes the preview again. The
        same holds for the film.
        """
        images = self._images
        with images.writing_preview(xray.id, preview) if preview else nullcontext():
            if finished := self._xrays.finish(xray):
                count_end(xray)
                waited = datetime.now(UTC) - datetime.fromisoformat(xray.created_at)
                seconds = round(waited.total_seconds(), 3)
                log.info("judged", extra=_name(xray.id, status=xray.status, seconds=seconds))
        if not finished and not self._xrays.exists(xray.id):
            self._images.delete_pictures(xray.id)  # deleted in the meantime
        return finished
