"""The worker: the Celery app and its one task, in the only process that holds the model.

    celery -A pneumonia_api.worker.tasks worker --pool threads --concurrency 3 -Q predict

`app` is built on first access, so importing this module reads nothing.
"""

import contextlib
import logging
import threading
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import redis
from celery import Celery, Task, current_task, signals
from kombu.exceptions import OperationalError
from prometheus_client import start_http_server
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from model.cage.pool import Cage, NoLongerWanted
from model.reading.limits import UnreadableXray
from model.serving.predictor import WORKER_STREAMS, Predictor
from monitoring.logs.lines import write_lines
from monitoring.metrics.exposition import expose_release
from pneumonia_api.config import ConfigError, WorkerConfig, read_worker_config
from pneumonia_api.records.deliveries import Deliveries, WorkerLost
from pneumonia_api.records.images import ImageStore, ImageStoreUnavailable
from pneumonia_api.records.publishing import create_queue
from pneumonia_api.records.xrays import QUEUE, TASK, XrayMissing, XrayRecord, XrayStore, as_judged
from pneumonia_api.worker.housekeeping import keep_house, keep_images_clean
from pneumonia_api.worker.life import LoadModel, keep_running, report_thread_error
from pneumonia_api.worker.metrics import (
    MODEL,
    REFUSALS,
    RETRIES,
    STEPS,
    count_answer,
    count_end,
)
from pneumonia_api.worker.switching import ModelSwitch

log = logging.getLogger(__name__)

MAX_RETRIES = 3
VISIBILITY_SECONDS = 30
"""After which the queue delivers a task again that its worker has not confirmed: half of the
minute within which another worker has what a dead one held."""

RESTORE_SECONDS = 5
"""How often workers look for such tasks; kombu's default is every 100 s."""

AWAY = (
    ImageStoreUnavailable,
    redis.ConnectionError,
    redis.TimeoutError,
    redis.ResponseError,  # a disk or a memory that is full, a replica that takes no writes
    OperationalError,
)
"""Faults of what the X-ray is kept in, which say nothing of the X-ray and pass."""

FAILED_REASON = "The X-ray could not be judged because of a fault on our side; send it again."


def _name(xray_id: str, **fields: Any) -> dict[str, Any]:
    """The X-ray of a line of the log, and more of it."""
    return {"fields": {"xray": xray_id, **fields}}


class PredictXray(Task):
    """`predict_xray(id)`: judge one accepted X-ray; does nothing for a finished record.

    A fault of ours is tried again three times, within half a minute; then the record is `failed`,
    its upload is deleted, and the person sends it again. While Redis or the image store is away
    nothing fails: the record stays `queued`, its upload is kept, and the timer of the workers
    publishes it again until the store is back, however long that takes.
    """

    name = TASK
    acks_late = True
    ignore_result = True
    max_retries = MAX_RETRIES
    # Whatever failed, it is ours, and the X-ray was accepted: try again, then `on_failure` tells.
    # After 4, 8 and 16 s: the same each time, and each below VISIBILITY_SECONDS, for the message
    # stays unacknowledged while it waits.
    autoretry_for = (Exception,)
    dont_autoretry_for = (WorkerLost,)
    retry_backoff = 4
    retry_backoff_max = 16
    retry_jitter = False

    def __init__(
        self, xrays: XrayStore, deliveries: Deliveries, images: ImageStore, max_pixels: int
    ) -> None:
        self._xrays = xrays
        self._deliveries = deliveries
        self._images = images
        self._max_pixels = max_pixels
        self.cage = Cage(WORKER_STREAMS)
        self.predictor: Predictor  # set by LoadModel, before any task

    def run(self, xray_id: str) -> None:
        """Read, judge, store; the upload's bytes are deleted at the end."""
        try:
            with self._deliveries.hold(xray_id) as xray:
                if xray:
                    self._judge(xray_id, xray)
                else:
                    log.info("another delivery is at work on it", extra=_name(xray_id))
        except XrayMissing:
            self._images.delete_preview(xray_id)  # deleted meanwhile: nothing of it stays

    def _judge(self, xray_id: str, xray: XrayRecord) -> None:
        if xray.status != "queued":
            self._images.delete_incoming(xray_id)  # delivered twice, or it could not be deleted
            return
        try:
            with STEPS.labels("decode").time():
                image = self.cage.read(
                    self._images.read_incoming(xray_id),
                    self._max_pixels,
                    self.predictor.artifact.input_side,
                    wanted=lambda: self._is_queued(xray_id),
                )
        except NoLongerWanted:
            self._images.delete_incoming(xray_id)
            return
        except UnreadableXray as error:
            if self._finish(replace(xray, status="rejected", reason=str(error))):
                REFUSALS.labels(error.reason).inc()
            return
        with STEPS.labels("predict").time():
            prediction = self.predictor.predict(image)
        with STEPS.labels("store").time():
            if not prediction.refusal:
                self._images.write_preview(xray_id, image.preview)
            if self._finish(as_judged(xray, asdict(prediction), image.warnings)):
                count_answer(prediction)

    def _is_queued(self, xray_id: str) -> bool:
        """Whether it is still to be judged: asked after each wait for another X-ray."""
        try:
            return self._xrays.get(xray_id).status == "queued"
        except XrayMissing:
            return False

    def on_failure(
        self, exc: Exception, task_id: str, args: tuple[str], kwargs: dict[str, Any], einfo: Any
    ) -> None:
        """Record `failed`, so that whoever waits is told; unless the store is away."""
        del task_id, kwargs, einfo
        if isinstance(exc, AWAY):
            log.error("waits until the store is back: %s", exc, extra=_name(args[0]))
            with contextlib.suppress(redis.RedisError):
                self._deliveries.forget_begun(args[0])
            return
        log.error("failed for good", exc_info=exc, extra=_name(args[0]))
        try:
            xray = self._xrays.get(args[0])
        except XrayMissing:
            return
        self._finish(replace(xray, status="failed", reason=FAILED_REASON))

    def on_retry(
        self, exc: Exception, task_id: str, args: tuple[str], kwargs: dict[str, Any], einfo: Any
    ) -> None:
        """Tell that it will be tried again, and after which kind of error."""
        del task_id, kwargs, einfo
        RETRIES.inc()
        log.warning("is tried again after %s", type(exc).__name__, extra=_name(args[0]))

    def _finish(self, xray: XrayRecord) -> bool:
        """Whether the record had its end state from here."""
        if finished := self._xrays.finish(xray):
            count_end(xray)
            waited = datetime.now(UTC) - datetime.fromisoformat(xray.created_at)
            seconds = round(waited.total_seconds(), 3)
            log.info("judged", extra=_name(xray.id, status=xray.status, seconds=seconds))
        elif not self._xrays.exists(xray.id):
            self._images.delete_preview(xray.id)  # deleted meanwhile: nothing of it stays
        self._images.delete_incoming(xray.id)
        return finished


def find_request() -> str | None:
    """The id of the request that sent the task of this thread, or None."""
    if not current_task:
        return None
    task = current_task.request
    return task.get("request_id") or task.id  # the second for what another release sent


def create_worker(config: WorkerConfig) -> Celery:
    """The Celery app, its task registered; the model is loaded when the worker starts."""
    client = redis.Redis.from_url(
        config.redis_url,
        decode_responses=True,
        socket_timeout=10,
        retry=Retry(ConstantBackoff(0.05), 1),  # a stale connection; the task may be tried again
    )
    xrays, images = XrayStore(client), ImageStore(config.image_store)
    deliveries = Deliveries(client)
    app = Celery("pneumonia", broker=config.redis_url)
    app.conf.update(
        task_default_queue=QUEUE,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": RESTORE_SECONDS,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 2 * RESTORE_SECONDS,  # of a worker that died while it looked
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
        },
        # Of a task that is to be tried again; if it cannot be published, it is found stranded.
        task_publish_retry_policy={"max_retries": 1},
        worker_enable_remote_control=False,
    )
    queue = create_queue(config.redis_url)
    app.models = models = ModelSwitch(config)
    app.steps["worker"].add(LoadModel)
    task = app.register_task(PredictXray(xrays, deliveries, images, config.max_pixels))
    ended = threading.Event()

    @signals.worker_init.connect(weak=False)
    def prepare(**_: object) -> None:
        port = config.metrics_port
        try:
            start_http_server(port, config.metrics_host)
        except OSError as error:
            raise SystemExit(
                f"Port {port} for the worker's metrics cannot be opened ({error.strerror}); "
                "choose another with WORKER_METRICS_PORT=."
            ) from error
        expose_release("worker")

    # Celery only logs what a handler of worker_ready raises, so this one does what cannot fail.
    @signals.worker_ready.connect(weak=False)
    def start_housekeeping(sender: Any, **_: object) -> None:
        def describe() -> dict[str, Any]:
            artifact = task.predictor.artifact
            return {"version": artifact.version, **asdict(artifact)}

        def replace_predictor(predictor: Predictor) -> None:
            task.predictor = predictor  # a task that has begun ends with the one it has
            MODEL.tell(predictor.artifact)

        threading.excepthook = report_thread_error
        for work, arguments in (
            (keep_house, (sender.hostname, describe, xrays, deliveries, queue, ended)),
            (keep_images_clean, (xrays, images, ended)),
            (models.follow, (lambda: task.predictor, replace_predictor, ended)),
        ):
            keep_running(work, arguments, ended)

    @signals.worker_shutting_down.connect(weak=False)
    def leave(**_: object) -> None:
        ended.set()

    return app


# Celery tells of each task twice without its X-ray, and quotes errors, which may quote a file.
logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
logging.getLogger("celery.app.trace").setLevel(logging.CRITICAL)


def __getattr__(name: str) -> Any:
    if name in ("app", "celery"):
        write_lines("worker", find_request)
        # Celery leaves the logs alone where somebody listens to this.
        signals.setup_logging.connect(lambda **_: None, weak=False)
        try:
            globals()["app"] = create_worker(read_worker_config())
        except ConfigError as error:
            raise SystemExit(str(error)) from error
        return globals()["app"]
    raise AttributeError(name)
