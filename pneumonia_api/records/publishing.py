"""The queue of those who only publish: API, worker's timer, scoring by `--celery`."""

import os
from uuid import uuid4

from celery import Celery

from pneumonia_api.records.xrays import QUEUE, TASK


def create_queue(redis_url: str) -> Celery:
    """A Celery app that publishes and gives up soon: the sender may try again.

    Removes Celery's own variables from the environment: CELERY_BROKER_URL and its like come before
    any argument, and would send what was accepted to a broker of somebody else.
    """
    for name in [name for name in os.environ if name.startswith("CELERY_")]:
        del os.environ[name]
    return Celery(
        broker=redis_url,
        broker_connection_timeout=2,
        # Redis may hang with its connections open; a publication takes it under a millisecond.
        broker_transport_options={"socket_timeout": 2, "socket_connect_timeout": 2},
        task_publish_retry_policy={"max_retries": 1},
    )


def publish(queue: Celery, xray_id: str, request_id: str | None = None) -> None:
    """Ask the workers to judge an X-ray; twice is harmless, a finished record stays as it is.

    The worker's log has `request_id`, or a new one; as a header workers of another release do not
    mind it. Raises kombu's OperationalError, or redis.RedisError, when Redis is away.
    """
    headers = {"request_id": request_id or uuid4().hex}
    queue.send_task(TASK, (xray_id,), queue=QUEUE, ignore_result=True, headers=headers)
