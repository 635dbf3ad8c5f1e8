"""Publishing to a real Redis that hangs with open connections."""

import base64
import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from apiflask import APIFlask
from celery import Celery
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from PIL import Image
from redis.backoff import NoBackoff
from redis.retry import Retry

from pneumonia_api.config import read_worker_config
from pneumonia_api.records import keys, publishing
from pneumonia_api.records.publishing import TASK, compose, create_queue, publish
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.tasks import create_worker
from tests.pneumonia_api.cutting_proxy import Cut, cut_everywhere, cutting_proxy

ENDED_SECONDS = 45
"""Generous; a call without a timeout would still hang."""


@contextmanager
def hanging(client: redis.Redis) -> Iterator[None]:
    """Suspend Redis for the block."""
    process = client.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def check_it_ends(client: redis.Redis, work: Callable[[], object]) -> list[object]:
    """The result or error of `work`, which must end while Redis is suspended."""
    outcomes: list[object] = []

    def run() -> None:
        try:
            outcomes.append(work())
        except (OperationalError, redis.RedisError) as error:
            outcomes.append(error)

    thread = threading.Thread(target=run)
    with hanging(client):
        thread.start()
        thread.join(ENDED_SECONDS)
        hung = thread.is_alive()
    thread.join()
    assert not hung, f"still hanging after {ENDED_SECONDS} s"
    return outcomes


@pytest.mark.parametrize("connected", [True, False])
def test_a_workers_retry_gives_up_when_redis_hangs(
    connected: bool, client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    """On an open connection and on a new one it raises an error that the worker handles."""
    settings = {"REDIS_URL": redis_url, "API_KEY": "k", "IMAGE_STORE": tmp_path.as_uri()}
    with create_worker(read_worker_config(settings)).tasks[TASK].app as worker:

        def send() -> None:
            worker.send_task(TASK, ("0" * 32,), queue=keys.QUEUE, ignore_result=True)

        if connected:
            send()
        (outcome,) = check_it_ends(client, send)
    assert isinstance(outcome, OperationalError)


@pytest.mark.parametrize("how", [Cut.LOST, Cut.IDLE])
def test_publishing_survives_cut_connections(how: Cut, client: redis.Redis, redis_url: str) -> None:
    """Whichever reply is cut, the task is in the queue or the caller learns that Redis was away."""
    queue = create_queue()
    with (
        cutting_proxy(redis_url) as (proxy, url),
        redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as cut_client,
    ):

        def live() -> None:
            for number in range(5):
                with suppress(redis.ConnectionError):
                    publish(cut_client, queue, f"{number:032x}")
                    sent.append(number)

        def check(_: int) -> None:
            assert len(sent) >= 4
            assert client.llen(keys.QUEUE) >= len(sent)
            client.delete(keys.QUEUE)
            sent.clear()

        sent: list[int] = []
        assert cut_everywhere(proxy, how, live, check) >= 5


def test_composed_task_is_what_celery_publishes(client: redis.Redis, redis_url: str) -> None:
    """Only the ids of the two messages and of the apps' own reply queues differ."""
    headers = {"request_id": "request"}
    with Celery(broker=redis_url) as sender:
        sender.send_task(TASK, ("0" * 32,), queue=keys.QUEUE, ignore_result=True, headers=headers)
    published = json.loads(client.lpop(keys.QUEUE))
    publish(client, create_queue(), "0" * 32, "request")
    composed = json.loads(client.lpop(keys.QUEUE))
    assert client.keys(keys.QUEUE) == []
    for message in (published, composed):
        assert message["headers"]["root_id"] == message["headers"].pop("id")
        assert message["headers"].pop("root_id") == message["properties"].pop("correlation_id")
        assert message["properties"].pop("delivery_tag")
        assert message["properties"].pop("reply_to")
    assert composed == published


def test_upload_is_answered_when_redis_hangs_behind_it(
    app: APIFlask,
    client: redis.Redis,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Record and task were stored together, so the X-ray is accepted."""
    file = io.BytesIO()
    Image.radial_gradient("L").save(file, "PNG")
    add, added, go_on = XrayStore.add, threading.Event(), threading.Event()

    def add_and_pause(xrays: XrayStore, xray: XrayRecord, task: str | None = None) -> None:
        add(xrays, xray, task)
        added.set()
        go_on.wait(ENDED_SECONDS)

    monkeypatch.setattr(XrayStore, "add", add_and_pause)
    answers = []

    def send() -> None:
        form = {"xray": (io.BytesIO(file.getvalue()), "x.png")}
        answers.append(app.test_client().post("/v1/xrays", headers=headers, data=form))

    sender = threading.Thread(target=send)
    sender.start()
    assert added.wait(ENDED_SECONDS)
    with hanging(client):
        go_on.set()
        sender.join(ENDED_SECONDS)
        hung = sender.is_alive()
    sender.join()
    assert not hung, f"still hanging after {ENDED_SECONDS} s"
    assert answers[0].status_code == 202
    assert client.llen("predict") == 1


def test_composed_task_differs_from_celerys_own_only_in_its_ids() -> None:
    """And in the request; the body has the arguments, whatever characters they have."""
    queue = create_queue()
    own: list[dict[str, object]] = []
    with Connection(transport=publishing._Transport) as connection:
        queue.send_task(
            TASK,
            ("Ä'\"1",),
            queue=keys.QUEUE,
            ignore_result=True,
            headers={"request_id": "r1"},
            connection=connection,
        )
        own.append(json.loads(connection.default_channel.messages[0]))
    own += [json.loads(compose(queue, "Ä'\"1", "r1")) for _ in range(2)]
    ids = []
    for message in own:
        headers, properties = message["headers"], message["properties"]
        assert headers["id"] == headers["root_id"] == properties["correlation_id"]
        ids += [headers["id"], properties["delivery_tag"]]
        for each, name in ((headers, "id"), (headers, "root_id"), (properties, "correlation_id")):
            each[name] = ""
        properties["delivery_tag"] = ""
        message["body"] = json.loads(base64.b64decode(message["body"]))
    assert own[0] == own[1] == own[2]
    assert len(set(ids)) == 6
