"""Publishes tasks to the workers' queue: for the API, a worker's timer, and `--celery` scoring."""

import base64
import json
import os
from functools import cache
from typing import Any
from uuid import uuid4

import redis
from celery import Celery
from kombu.connection import Connection
from kombu.transport import virtual
from kombu.utils.json import dumps

from pneumonia_api.records import keys

TASK = "predict_xray"


def create_queue() -> Celery:
    """A Celery app that only composes tasks: it has no broker and no connection.

    Removes Celery's own variables from the environment: CELERY_TASK_SERIALIZER and the like
    override every argument, and would change what the workers are sent.
    """
    for name in [name for name in os.environ if name.startswith("CELERY_")]:
        del os.environ[name]
    return Celery()


def publish(
    client: redis.Redis, queue: Celery, xray_id: str, request_id: str | None = None
) -> None:
    """Ask the workers to judge an X-ray. Publishing twice is harmless: finished records stay.

    The worker logs `request_id`, or a new one. Writes the list itself: Celery's own
    producer raised AttributeError after its connection had been cut at the wrong moment.
    Raises redis.RedisError when Redis is unreachable.
    """
    client.lpush(keys.QUEUE, compose(queue, xray_id, request_id))


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


def compose(
    queue: Celery,
    xray_id: str,
    request_id: str | None = None,
    *,
    task: str = TASK,
    name: str = keys.QUEUE,
) -> str:
    """What Celery would add to the list `name`, for a transaction that writes the record, too.

    `request_id` is a header, so workers of another release ignore it.
    """
    message, rest = _compose_first(queue, task, name)
    task_id = str(uuid4())
    headers = {
        **message["headers"],
        **{"id": task_id, "root_id": task_id, "argsrepr": repr((xray_id,))},
        "request_id": request_id or uuid4().hex,
    }
    tags = {"correlation_id": task_id, "delivery_tag": str(uuid4())}
    body = base64.b64encode(json.dumps([[xray_id], *rest]).encode()).decode()
    properties = {**message["properties"], **tags}
    return json.dumps({**message, "body": body, "headers": headers, "properties": properties})


@cache
def _compose_first(queue: Celery, task: str, name: str) -> tuple[dict[str, Any], list[Any]]:
    """A message that Celery composed, and what follows the arguments in its body.

    Only what differs is replaced in each later one, because Celery takes three times as long as all
    else that accepting an X-ray writes.
    """
    with Connection(transport=_Transport) as connection:
        queue.send_task(
            task,
            ("",),
            queue=name,
            ignore_result=True,
            headers={"request_id": ""},
            connection=connection,
        )
        [message] = map(json.loads, connection.default_channel.messages)
    _, *rest = json.loads(base64.b64decode(message["body"]))
    return message, rest


def count_tasks(client: redis.Redis) -> int:
    """How many tasks wait in the queue for a worker."""
    return int(client.llen(keys.QUEUE))
