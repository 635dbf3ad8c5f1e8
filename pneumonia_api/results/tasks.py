"""What sends results to a PACS: a Celery app with one task and a queue of its own.

    celery -A pneumonia_api.results.tasks worker --pool threads --concurrency 2 -Q results

A process of its own: a PACS that hangs must not hold a thread that judges X-rays. `app` is built on
first access, so importing this module reads no settings.
"""

import logging
import threading
from typing import Any

import redis
from celery import Celery, current_task, signals
from prometheus_client import start_http_server
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from monitoring.logs.lines import write_lines
from monitoring.metrics.release import expose_release
from pneumonia_api.config import ConfigError, ResultsConfig, read_results_config
from pneumonia_api.dicom_tls import make_calling
from pneumonia_api.records import keys
from pneumonia_api.records.outbox import Outbox
from pneumonia_api.records.publishing import create_queue
from pneumonia_api.records.turns import take_turn
from pneumonia_api.results.send_result import SendResult
from pneumonia_api.results.sending import ResultSender

log = logging.getLogger(__name__)

VISIBILITY_SECONDS = 180
"""After which the queue redelivers the task of a process that died: longer than the longest pause
between two tries, during which a task is not acknowledged, and one try together."""

LOOK_SECONDS = 60

TRANSPORT = {
    "visibility_timeout": VISIBILITY_SECONDS,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    # Of its own: the workers redeliver whatever is in theirs after half a minute.
    "unacked_key": f"{keys.RESULTS}:unacked",
    "unacked_index_key": f"{keys.RESULTS}:unacked_index",
    "unacked_mutex_key": f"{keys.RESULTS}:unacked_mutex",
}


def find_task_id() -> str | None:
    """The id of the request that published the task of this thread, or None."""
    if not current_task:
        return None
    return current_task.request.get("request_id") or current_task.request.id


def create_sender(config: ResultsConfig) -> Celery:
    """The Celery app with its task."""
    client = redis.Redis.from_url(
        config.redis_url,
        decode_responses=True,
        socket_timeout=10,
        retry=Retry(ConstantBackoff(0.05), 1),
    )
    outbox = Outbox(client, create_queue())
    app = Celery("pneumonia-results", broker=config.redis_url)
    app.conf.update(
        task_default_queue=keys.RESULTS,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options=TRANSPORT,
        task_publish_retry_policy={"max_retries": 1},
        worker_enable_remote_control=False,
    )
    files = (config.tls_certificate, config.tls_key, config.tls_authority)
    tls = make_calling(*files) if config.uses_tls else None
    sender = ResultSender(config.ae_title, config.results_to, config.timeout, tls)
    app.register_task(SendResult(client, outbox, sender))
    ended = threading.Event()

    @signals.worker_init.connect(weak=False)
    def prepare(**_: object) -> None:
        try:
            start_http_server(config.metrics_port, config.metrics_host)
        except OSError as error:
            raise SystemExit(
                f"Port {config.metrics_port} cannot be opened ({error.strerror}); choose another "
                "with DICOM_RESULTS_METRICS_PORT=."
            ) from error
        expose_release("results")

    @signals.worker_ready.connect(weak=False)
    def look_for_still(**_: object) -> None:
        arguments = (client, outbox, ended)
        threading.Thread(target=publish_still, args=arguments, daemon=True).start()

    @signals.worker_shutting_down.connect(weak=False)
    def leave(**_: object) -> None:
        ended.set()

    return app


def publish_still(client: redis.Redis, outbox: Outbox, ended: threading.Event) -> None:
    """Until `ended`, publish again whatever the queue has lost."""
    while not ended.wait(LOOK_SECONDS):
        try:
            if take_turn(client, "results", LOOK_SECONDS // 2) and (
                count := outbox.publish_still()
            ):
                log.warning("published results again", extra={"fields": {"count": count}})
        except redis.RedisError as error:
            log.warning("Redis does not answer: %s", type(error).__name__)


# As for the worker: Celery logs each task twice without its X-ray, and quotes errors.
logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
logging.getLogger("celery.app.trace").setLevel(logging.CRITICAL)
# It quotes data sets.
logging.getLogger("pynetdicom").propagate = False


def __getattr__(name: str) -> Any:
    if name in ("app", "celery"):
        write_lines("results", find_task_id)
        signals.setup_logging.connect(lambda **_: None, weak=False)
        try:
            globals()["app"] = create_sender(read_results_config())
        except ConfigError as error:
            raise SystemExit(str(error)) from error
        return globals()["app"]
    raise AttributeError(name)
