"""A worker that beats and takes no tasks ends, and another judges what waited."""

import time
from pathlib import Path

import pytest
import redis

from pneumonia_api.records.deliveries import Deliveries
from pneumonia_api.records.record import new_xray
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker import deafness
from pneumonia_api.worker.deafness import ConsumerWatch
from tests.pneumonia_api.worker.worker_process import (
    accept,
    running_worker,
    wait_for_workers,
    wait_until_judged,
)


def test_deaf_worker_ends_and_its_successor_judges(
    client: redis.Redis, redis_url: str, tmp_path: Path, samples: list[Path]
) -> None:
    """While no task waits it stays, then it ends with an error."""
    module = "tests.pneumonia_api.worker.deaf_worker"
    with running_worker(redis_url, tmp_path, module) as deaf:
        wait_for_workers(client, 1)
        time.sleep(2 * 3.0)
        assert deaf.poll() is None
        sent = [accept(client, tmp_path, samples[0].read_bytes())]
        assert deaf.wait(60) == 1
    with running_worker(redis_url, tmp_path):
        wait_until_judged(client, sent, 120)


def test_only_a_worker_that_begins_nothing_is_deaf(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that judges, or has just begun a task, is not; nor one without work."""
    monkeypatch.setattr(deafness, "DEAF_SECONDS", 0.2)
    deliveries = Deliveries(client)
    watch = ConsumerWatch(deliveries)
    xray = new_xray("doctor", "d")
    XrayStore(client).add(xray)
    with deliveries.hold(xray.id):
        assert not watch.is_deaf(5)
        time.sleep(0.3)
        assert not watch.is_deaf(5)
    assert not watch.is_deaf(5)
    time.sleep(0.3)
    with deliveries.hold(xray.id):
        pass
    assert not watch.is_deaf(5)
    time.sleep(0.3)
    assert not watch.is_deaf(0)
    assert not watch.is_deaf(5)
    time.sleep(0.3)
    assert watch.is_deaf(5)


def test_worker_that_could_not_listen_is_not_deaf(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage of Redis, or when the process was suspended, its time begins anew."""
    monkeypatch.setattr(deafness, "DEAF_SECONDS", 0.2)
    monkeypatch.setattr(deafness, "GAP_SECONDS", 0.5)
    watch = ConsumerWatch(Deliveries(client))
    assert not watch.is_deaf(5)
    time.sleep(0.6)
    assert not watch.is_deaf(5)
    time.sleep(0.3)
    assert watch.is_deaf(5)
