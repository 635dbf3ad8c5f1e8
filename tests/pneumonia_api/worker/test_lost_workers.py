"""Real workers that die, are slow, or lose Redis over and over."""

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.cutting_proxy import Cut, cutting_proxy
from tests.pneumonia_api.kept_uploads import wait_until_deleted
from tests.pneumonia_api.worker.worker_process import (
    accept,
    read_statuses,
    running_worker,
    supervised_worker,
    wait_for_workers,
    wait_until_judged,
)

PROMISED_SECONDS = 60
"""The time within which another worker has judged what a dead one held."""


CUTTING_SECONDS = 45
"""Celery waits longer after each failed attempt, so the later ones of 80 cuts take minutes."""


def test_what_a_killed_worker_held_is_judged_within_the_minute(
    client: redis.Redis,
    redis_url: str,
    tmp_path: Path,
    samples: list[Path],
    report: Callable[[str], None],
) -> None:
    """SIGKILL just after three tasks arrived: the other worker judges them."""
    xrays = XrayStore(client)
    with running_worker(redis_url, tmp_path) as first:
        wait_for_workers(client, 1)
        sent = [accept(client, tmp_path, samples[n].read_bytes()) for n in range(4)]
        while client.hlen(keys.UNACKED) < 2:
            time.sleep(0.001)
        first.kill()
        first.wait(20)
        assert "queued" in read_statuses(xrays, sent)
        died = time.monotonic()
        with running_worker(redis_url, tmp_path):
            wait_until_judged(client, sent, PROMISED_SECONDS)
            took = time.monotonic() - died
            wait_until_deleted(tmp_path)
    report(f"judged {took:.0f} s after the worker's death")


def test_slow_xray_of_a_living_worker_is_judged_once(
    client: redis.Redis, redis_url: str, tmp_path: Path, samples: list[Path]
) -> None:
    """The queue keeps redelivering it to two idle workers."""
    judged = tmp_path / "judged"
    slow = {"JUDGED": str(judged), "SLOW_SECONDS": "15"}
    module = "tests.pneumonia_api.worker.slow_worker"
    with (
        running_worker(redis_url, tmp_path, module, **slow),
        running_worker(redis_url, tmp_path, module, **slow),
    ):
        wait_for_workers(client, 2)
        time.sleep(1)  # for `worker_ready` in both
        xray = accept(client, tmp_path, samples[0].read_bytes())
        wait_until_judged(client, [xray], 120)
    assert len(judged.read_text().splitlines()) == 1


def test_worker_whose_connections_are_cut_again_and_again_loses_nothing(
    client: redis.Redis,
    redis_url: str,
    tmp_path: Path,
    samples: list[Path],
    report: Callable[[str], None],
) -> None:
    """Even those of its queue: a task in a lost reply is found stranded, and nothing fails."""
    with cutting_proxy(redis_url) as (proxy, url), supervised_worker(url, tmp_path) as starts:
        wait_for_workers(client, 1)
        ended, cuts = threading.Event(), 0

        def cut() -> None:
            nonlocal cuts
            for n, how in itertools.product(range(1, 41), (Cut.LOST, Cut.IDLE)):
                proxy.arm(n, how, fresh=False)
                while not proxy.has_cut:
                    if ended.wait(0.01):
                        return
                cuts += 1

        cutter = threading.Thread(target=cut)
        cutter.start()
        sent = []
        for number in range(24):
            data = samples[number % len(samples)].read_bytes()
            sent.append(accept(client, tmp_path, data))
            time.sleep(0.25)
        cutter.join(CUTTING_SECONDS)
        ended.set()
        cutter.join()
        proxy.let_back()
        wait_until_judged(client, sent, 180)
        wait_until_deleted(tmp_path)
    assert cuts > 20
    report(f"{cuts} cuts while {len(sent)} were judged by {len(starts)} processes")
