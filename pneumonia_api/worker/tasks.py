"""The worker: a Celery app with one task, in the only process that holds the model.

    celery -A pneumonia_api.worker.tasks worker --pool threads --concurrency 3 -Q predict

`app` is built on first access, so importing this module reads no settings.
"""

import logging
import threading
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import redis
from celery import Celery, current_task, signals
from prometheus_client import start_http_server
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from model.serving.predictor import Predictor
from model.serving.ratios import RatiosError, read_ratios
from monitoring.logs.lines import write_lines
from monitoring.metrics.release import expose_release
from pneumonia_api.config import ConfigError, WorkerConfig, read_worker_config
from pneumonia_api.records import keys
from pneumonia_api.records.deliveries import Deliveries
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.profiles import Profiles
from pneumonia_api.records.publishing import create_queue
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.acknowledging import release_failed_acknowledgements
from pneumonia_api.worker.housekeeping import keep_house, keep_images_clean, keep_upgrading
from pneumonia_api.worker.life import LoadModel, keep_running, report_thread_error
from pneumonia_api.worker.metrics import MODEL
from pneumonia_api.worker.models import keep_models
from pneumonia_api.worker.predict_xray import PredictXray
from pneumonia_api.worker.reporting import keep_drawing
from pneumonia_api.worker.switching import ModelSwitch

log = logging.getLogger(__name__)

VISIBILITY_SECONDS = 30
"""After which the queue redelivers a task that its worker has not acknowledged: half of the minute
within which another worker must take over from a dead one."""

RESTORE_SECONDS = 5
"""How often workers look for tasks to redeliver; kombu's default is 100 s."""


def find_task_request_id() -> str | None:
    """The id of the request that published the task of this thread, or None."""
    if not current_task:
        return None
    task = current_task.request
    return task.get("request_id") or task.id  # another release may publish without a request id


@cache  # asked for at every heartbeat
def describe_ratios(folder: Path, version: str) -> dict[str, Any]:
    """What the findings of the model are worth, where it was measured; see `FindingRatios`.

    A damaged file costs the pages a sentence, and stops no worker.
    """
    try:
        found = read_ratios(folder, version)
    except RatiosError as error:
        log.warning("pages cannot say what a finding is worth: %s", error)
        return {}
    return {"findings": asdict(found)} if found else {}


def create_worker(config: WorkerConfig) -> Celery:
    """The Celery app with its task; the model is loaded when the worker starts."""
    client = redis.Redis.from_url(
        config.redis_url,
        decode_responses=True,
        socket_timeout=10,
        retry=Retry(ConstantBackoff(0.05), 1),  # for a stale connection; Celery retries the rest
    )
    images, deliveries = ImageStore(config.image_store), Deliveries(client)
    app = Celery("pneumonia", broker=config.redis_url)
    app.conf.update(
        task_default_queue=keys.QUEUE,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": RESTORE_SECONDS,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 2 * RESTORE_SECONDS,  # for a worker that dies holding the mutex
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
        },
        # For the retry of a task; if it cannot be published, the X-ray is found stranded.
        task_publish_retry_policy={"max_retries": 1},
        worker_enable_remote_control=False,
    )
    release_failed_acknowledgements()
    queue = create_queue()
    app.models = models = ModelSwitch(config)
    app.steps["worker"].add(LoadModel)
    xrays = XrayStore(client)
    task = app.register_task(
        PredictXray(
            xrays,
            deliveries,
            images,
            Profiles(client),
            config.max_pixels,
            keeps_films=config.keeps_films,
            takes_accession=config.takes_accession,
            keeps_references=config.keeps_references,
        )
    )
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

    # Celery only logs what a handler of worker_ready raises, so this one must not fail.
    @signals.worker_ready.connect(weak=False)
    def start_housekeeping(sender: Any, **_: object) -> None:
        def describe() -> dict[str, Any]:
            predictor = task.predictor
            version = predictor.artifact.version
            return {
                "version": version,
                "precision": predictor.precision,
                **predictor.artifact.encode(),
                **describe_ratios(config.model_dir, version),
            }

        def replace_predictor(predictor: Predictor) -> None:
            task.predictor = predictor  # running tasks finish with the model that they began with
            MODEL.set(predictor.artifact, predictor.precision)

        threading.excepthook = report_thread_error
        for work, arguments in (
            (keep_house, (sender.hostname, describe, client, deliveries, queue, ended)),
            (
                keep_images_clean,
                (client, images, queue, ended, config.keeps_films, config.retention_days),
            ),
            (keep_upgrading, (client, ended)),
            (keep_drawing, (client, images, ended)),
            (keep_models, (client, models.store, ended)),
            (models.follow, (lambda: task.predictor, replace_predictor, ended)),
        ):
            keep_running(work, arguments, ended)

    @signals.worker_shutting_down.connect(weak=False)
    def leave(**_: object) -> None:
        ended.set()

    return app


# Celery logs each task twice without its X-ray, and quotes errors, which may quote the file.
logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
logging.getLogger("celery.app.trace").setLevel(logging.CRITICAL)


def __getattr__(name: str) -> Any:
    if name in ("app", "celery"):
        write_lines("worker", find_task_request_id)
        # Celery does not configure logging when this signal has a receiver.
        signals.setup_logging.connect(lambda **_: None, weak=False)
        try:
            globals()["app"] = create_worker(read_worker_config())
        except ConfigError as error:
            raise SystemExit(str(error)) from error
        return globals()["app"]
    raise AttributeError(name)
