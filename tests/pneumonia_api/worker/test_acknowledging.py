"""A consumer whose acknowledgements fail goes on to take messages."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.message import Message
from kombu.messaging import Consumer
from kombu.transport import redis as kombu_redis

from pneumonia_api.records import keys
from pneumonia_api.records.publishing import create_queue, publish
from pneumonia_api.worker.acknowledging import release_failed_acknowledgements
from tests.pneumonia_api.cutting_proxy import cutting_proxy

MESSAGES = 5


@pytest.fixture(autouse=True)
def qos() -> Iterator[None]:
    """The worker's, for the test."""
    before = kombu_redis.Channel.QoS
    release_failed_acknowledgements()
    yield
    kombu_redis.Channel.QoS = before


@pytest.mark.parametrize("end", [Message.ack, Message.reject])
def test_failed_acknowledgements_leave_room_for_the_next_message(
    end: Callable[[Message], None], client: redis.Redis, redis_url: str
) -> None:
    """With room for one: each fails, and still every message arrives and stays in Redis."""
    queue = create_queue()
    for number in range(MESSAGES):
        publish(client, queue, f"{number:032x}")
    arrived: list[str] = []
    with cutting_proxy(redis_url) as (proxy, url), Connection(url) as connection:

        def receive(body: Any, message: Message) -> None:
            arrived.append(body[0][0])
            proxy.take_away()
            with pytest.raises(connection.connection_errors):
                end(message)
            proxy.let_back()

        channel = connection.default_channel
        channel.basic_qos(0, 1, False)
        with Consumer(channel, [Queue(keys.QUEUE)], callbacks=[receive]):
            for _ in range(4 * MESSAGES):
                try:
                    connection.drain_events(timeout=0.5)
                except (TimeoutError, *connection.connection_errors):
                    continue  # its own connection was ended, too
            assert arrived == [f"{number:032x}" for number in range(MESSAGES)]
            assert client.hlen(keys.UNACKED) == MESSAGES
