"""`pneumonia_api.store_metrics`: what Redis holds, as reported by a scrape of the API."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import redis
from apiflask import APIFlask
from kombu.connection import Connection

from pneumonia_api.app import create_app
from pneumonia_api.records.plans import Plans
from pneumonia_api.records.publishing import create_queue, publish
from pneumonia_api.records.record import new_xray
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.workers import Workers
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.store_metrics import list_weeks
from tests.pneumonia_api.records.judged import done
from tests.scrape import find_value, read_value

SCRAPE_SECONDS = 10
"""The scrape times out then, and Prometheus gets nothing at all."""


def scrape(app: APIFlask) -> str:
    """What Prometheus would scrape."""
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    return answer.text


def test_empty_redis_is_reported_as_zeros(app: APIFlask) -> None:
    """Empty queue, no worker, and no series for reviews."""
    text = scrape(app)
    for name in ("waiting", "in_flight", "oldest_seconds", "workers"):
        assert read_value(text, f"pneumonia_queue_{name}") == 0
    for status in ("queued", "done", "rejected", "failed"):
        assert read_value(text, "pneumonia_xrays", status=status) == 0
    assert find_value(text, "pneumonia_reviews") is None


def test_queue_is_reported_as_it_is(app: APIFlask, client: redis.Redis, redis_url: str) -> None:
    """Waiting tasks, tasks in flight, the age of the oldest record, live workers."""
    xrays, workers = XrayStore(client), Workers(client)
    old = f"{int((time.time() - 500) * 1000):012x}{'0' * 20}"
    first, second = replace(new_xray("doctor", "a"), id=old), new_xray("doctor", "b")
    for xray in (first, second, done(new_xray("doctor", "c"))):
        xrays.add(xray)
    queue = create_queue()
    publish(client, queue, first.id)
    publish(client, queue, second.id)
    with Connection(redis_url) as connection:
        message = connection.SimpleQueue("predict").get(timeout=10)  # as a worker does
        workers.beat("celery@a")
        workers.beat("celery@b")
        workers.beat("celery@gone")
        client.delete("worker:celery@gone")  # its beat expired
        text = scrape(app)
        message.ack()
    assert read_value(text, "pneumonia_queue_waiting") == 1
    assert read_value(text, "pneumonia_queue_in_flight") == 1
    assert 500 <= read_value(text, "pneumonia_queue_oldest_seconds") < 520
    assert read_value(text, "pneumonia_queue_workers") == 2
    assert read_value(text, "pneumonia_xrays", status="queued") == 2
    assert read_value(text, "pneumonia_xrays", status="done") == 1
    workers.stop_beating("celery@a")
    text = scrape(app)
    assert read_value(text, "pneumonia_queue_in_flight") == 0
    assert read_value(text, "pneumonia_queue_workers") == 1


def test_reviews_of_the_last_weeks_are_reported(app: APIFlask, client: redis.Redis) -> None:
    """By week, model, decision and label, as Redis counts them; older weeks are not."""
    now = datetime.now(UTC).date()
    this, last, old = (
        f"{year}-W{week:02}"
        for year, week, _ in ((now - timedelta(weeks=back)).isocalendar() for back in (0, 7, 8))
    )
    client.hset(f"reviews:{this}", mapping={"m1 pneumonia normal": 3, "m1 normal normal": 5})
    client.hset(f"reviews:{last}", "m2 pneumonia unsure", 1)
    client.hset(f"reviews:{old}", "m2 pneumonia pneumonia", 7)
    text = scrape(app)
    labels = {"model": "m1", "decision": "pneumonia", "label": "normal"}
    assert read_value(text, "pneumonia_reviews", week=this, **labels) == 3
    assert read_value(text, "pneumonia_reviews", week=last, label="unsure") == 1
    assert read_value(text, "pneumonia_reviews") == 9


def test_readings_before_the_result_was_shown_are_reported(
    app: APIFlask, client: redis.Redis
) -> None:
    """With what the reader thought before and after; next to the other reviews of the week."""
    year, number, _ = datetime.now(UTC).date().isocalendar()
    week = f"{year}-W{number:02}"
    client.hset(f"reviews:{week}", "m1 pneumonia normal", 3)
    client.hset(f"blind:{week}", mapping={"m1 pneumonia normal pneumonia": 2})
    text = scrape(app)
    labels = {"model": "m1", "decision": "pneumonia", "before": "normal", "after": "pneumonia"}
    assert read_value(text, "pneumonia_blind_readings", week=week, **labels) == 2
    assert read_value(text, "pneumonia_reviews") == 3


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 11, 25), "2026-W48", "2026-W41"),
        (date(2027, 1, 1), "2026-W53", "2026-W46"),
        (date(2024, 12, 30), "2025-W01", "2024-W46"),
    ],
)
def test_weeks_are_those_of_iso_8601(today: date, first: str, last: str) -> None:
    """A week belongs to the year of its Thursday."""
    weeks = list_weeks(today)
    assert (weeks[0], weeks[-1], len(weeks)) == (first, last, 8)


@pytest.mark.parametrize("hangs", [False, True])
def test_scrape_answers_while_redis_does_not(hangs: bool) -> None:
    """Redis refuses or never answers: the API still reports what it counted itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not hangs:
            server.close()
        app = create_app({"REDIS_URL": f"redis://127.0.0.1:{port}/0", "API_KEY": "k"})
        with ThreadPoolExecutor(1) as thread:
            text = thread.submit(scrape, app).result(SCRAPE_SECONDS)
    assert find_value(text, "pneumonia_api_uploads_total", outcome="accepted") is not None
    assert "pneumonia_queue" not in text
    assert "pneumonia_xrays" not in text


def test_least_of_the_plan_is_reported(app: APIFlask, client: redis.Redis) -> None:
    """That of the plan for the model that is served; none without one."""
    ServedModel(client).announce({"version": "m2"})
    assert find_value(scrape(app), "pneumonia_acceptance_least") is None
    plans, expected = Plans(client), {"sensitivity": 0.95, "specificity": 0.9}
    for model, specificity in (("m1", 0.7), ("m2", 0.8)):
        least = {"sensitivity": 0.9, "specificity": specificity}
        plans.add(model, expected, least, by="lead", at=datetime.now(UTC))
    text = scrape(app)
    named = {"model": "m2", "figure": "specificity"}
    assert read_value(text, "pneumonia_acceptance_least", **named) == 0.8
    former = {"model": "m1", "figure": "specificity"}
    assert find_value(text, "pneumonia_acceptance_least", **former) is None
    ServedModel(client).announce({"version": "m3"})
    assert find_value(scrape(app), "pneumonia_acceptance_least") is None
