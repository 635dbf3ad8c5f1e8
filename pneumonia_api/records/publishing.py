"""Publishes tasks to the workers' queue: for the API, a worker's timer, and `--celery` scoring."""

import os
from uuid import uuid4

import redis
from celery import Celery

from pneumonia_api.records import keys

TASK = "predict_xray"


def create_queue(redis_url: str) -> Celery:
    """A Celery app that only publishes, and fails fast: the sender may try again.

    Removes Celery's own variables from the environment: CELERY_BROKER_URL and the like override
    every argument, and would send accepted X-rays to another broker.
    """
    for name in [name for name in os.environ if name.startswith("CELERY_")]:
        del os.environ[name]
    return Celery(
        broker=redis_url,
        broker_connection_timeout=2,
        # Redis may hang with open connections; publishing takes it under a millisecond.
        broker_transport_options={"socket_timeout": 2, "socket_connect_timeout": 2},
        task_publish_retry_policy={"max_retries": 1},
    )


def publish(queue: Celery, xray_id: str, request_id: str | None = None) -> None:
    """Ask the workers to judge an X-ray. Publishing twice is harmless: finished records stay.

    The worker logs `request_id`, or a new one; a header, so workers of another release ignore it.
    Raises kombu's OperationalError, or redis.RedisError, when Redis is unreachable.
    """
    headers = {"request_id": request_id or uuid4().hex}
    queue.send_task(TASK, (xray_id,), queue=keys.QUEUE, ignore_result=True, headers=headers)


def count_tasks(client: redis.Redis) -> int:
    """How many tasks wait in the queue for a worker."""
    return int(client.llen(keys.QUEUE))
