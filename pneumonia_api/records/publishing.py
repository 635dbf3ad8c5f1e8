"""Publishes tasks to the workers' queue: for the API, a worker's timer, and `--celery` scoring."""

import os
from typing import Any
from uuid import uuid4

import redis
from celery import Celery
from kombu.connection import Connection
from kombu.transport import virtual
from kombu.utils.json import dumps

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


def publish(queue: Celery, xray_id: str, request_id: str | None = None, **options: Any) -> None:
    """Ask the workers to judge an X-ray. Publishing twice is harmless: finished records stay.

    The worker logs `request_id`, or a new one; a header, so workers of another release ignore it.
    `options` are Celery's. Raises kombu's OperationalError, or redis.RedisError, when Redis is
    unreachable.
    """
    headers = {"request_id": request_id or uuid4().hex}
    queue.send_task(
        TASK, (xray_id,), queue=keys.QUEUE, ignore_result=True, headers=headers, **options
    )


class _Channel(virtual.Channel):
    """Keeps messages as kombu would write them to the list of a queue in Redis."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.messages: list[str] = []

    def _put(self, queue: str, message: dict[str, Any], **options: Any) -> None:
        del queue, options
        self.messages.append(dumps(message))


class _Transport(virtual.Transport):
    """A transport of kombu that sends nothing."""

    Channel = _Channel


def compose(queue: Celery, xray_id: str, request_id: str | None = None) -> str:
    """What `publish` would add to the list keys.QUEUE, for a transaction that writes the record,
    too."""
    with Connection(transport=_Transport) as connection:
        publish(queue, xray_id, request_id, connection=connection)
        [message] = connection.default_channel.messages
    return str(message)


def count_tasks(client: redis.Redis) -> int:
    """How many tasks wait in the queue for a worker."""
    return int(client.llen(keys.QUEUE))
