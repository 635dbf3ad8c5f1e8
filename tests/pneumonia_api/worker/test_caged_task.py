"""The worker's task and its cage: the end state of an X-ray whose reader was killed."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from model.cage.pool import Cage, CageFault, CageLost, Reading
from pneumonia_api.records import keys
from pneumonia_api.records.images import ImageMissing
from pneumonia_api.records.publishing import TASK
from pneumonia_api.worker.predict_xray import MAX_RETRIES
from tests.pneumonia_api.worker.accepted import Bench, answer


@pytest.fixture
def bench(client: redis.Redis, redis_url: str, tmp_path: Path) -> Bench:
    """An accepted X-ray, and a cage whose decoder obeys attacks."""
    bench = Bench(client, redis_url, tmp_path)
    bench.task.cage = Cage(1, "tests.model.cage.attacks")
    return bench


def put(bench: Bench, upload: str) -> None:
    """Replace the uploaded bytes."""
    bench.images.write_incoming(bench.xray.id, upload.encode())


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [("crash", "crashed the program that reads it"), ("spin", "could not be read in 15 seconds")],
)
def test_file_that_ends_its_reader_is_rejected_once(
    bench: Bench, attack: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is never retried, because it would kill the next reader, too."""
    put(bench, f"attack {attack} ")
    record = bench.run(answer)
    assert record is not None
    assert record.status == "rejected"
    assert sentence in str(record.reason)
    assert bench.calls == 0
    # On a busy machine 15 s may be over before the processor time is.
    ends = ("a reader died of", "a reader was killed after")
    assert sum(map(caplog.text.count, ends)) == 1
    with pytest.raises(ImageMissing):
        bench.images.read_incoming(record.id)


def test_reader_killed_from_outside_is_retried(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The OOM killer or a person killed it, so the X-ray is judged in another attempt."""
    begin, tries = bench.task.cage.begin, []

    @contextmanager
    def count(data: bytes, *arguments: Any, **named: Any) -> Iterator[Reading]:
        tries.append(data)
        # The first attempt hangs until its process is killed; the next one reads the upload.
        sent = b"attack sleep 60" if len(tries) == 1 else data
        try:
            with begin(sent, *arguments, **named) as reading:
                yield reading
        finally:
            ended.set()

    monkeypatch.setattr(bench.task.cage, "begin", count)
    ended = threading.Event()

    def kill() -> None:
        while not tries:
            time.sleep(0.05)
        while not ended.is_set():
            for process in psutil.Process().children(recursive=True):
                is_child = process.ppid() != os.getpid()
                if is_child and "tests.model.cage.attacks" in process.cmdline():
                    process.send_signal(signal.SIGKILL)
            ended.wait(3)  # again only if the reader had not begun, never its successor

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        record = bench.run(answer)
    finally:
        ended.set()
        thread.join()
    assert record is not None
    assert record.status == "done"
    assert len(tries) == 2


def test_reader_that_is_always_lost_fails_in_the_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the usual retries the record is failed."""
    tries = []

    def lose(*arguments: object, **named: object) -> object:
        tries.append(arguments)
        raise CageLost

    monkeypatch.setattr(bench.task.cage, "begin", lose)
    record = bench.run(answer)
    assert record is not None
    assert record.status == "failed"
    assert len(tries) == 1 + MAX_RETRIES


@pytest.mark.parametrize("end", ["deleted", "rejected", "done"])
def test_status_is_read_again_after_waiting_for_a_reader(
    bench: Bench, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An X-ray deleted or judged during the wait is not judged, and its upload is deleted.

    After `done`, the delivery that stored it deletes the upload once its preview is synced.
    """
    thread = threading.Thread(target=_occupy, args=(bench.task.cage,))
    thread.start()
    while not bench.task.cage._free.empty():
        time.sleep(0.01)
    begin = bench.task._deliveries._begin

    def end_meanwhile(xray_id: str, token: str) -> object:
        begun = begin(xray_id, token)
        if end == "deleted":
            bench.xrays.delete(bench.xray)
        else:
            bench.xrays.finish(replace(bench.xray, status=end, reason="Meanwhile."))
        return begun

    monkeypatch.setattr(bench.task._deliveries, "_begin", end_meanwhile)
    record = bench.run(answer)
    thread.join()
    assert bench.calls == 0
    if end == "deleted":
        assert record is None
    else:
        assert record is not None
        assert (record.status, record.reason) == (end, "Meanwhile.")
    if end == "done":
        bench.images.read_incoming(bench.xray.id)
    else:
        with pytest.raises(ImageMissing):
            bench.images.read_incoming(bench.xray.id)


def _occupy(cage: Cage) -> None:
    with pytest.raises(RuntimeError):
        cage.read(b"attack sleep 2", 60_000_000, 224)


def test_large_xray_goes_back_to_the_queue_while_another_is_decoded(
    bench: Bench, client: redis.Redis
) -> None:
    """It keeps its upload and its retries, and the thread is free for other X-rays."""
    cage = bench.task.cage = Cage(2, "tests.model.cage.attacks")
    first = threading.Thread(target=lambda: hold_large(cage, 4))
    first.start()
    while not cage.decodes_large:
        time.sleep(0.01)
    put(bench, "attack hold_gate 0")
    record = bench.run(answer)
    assert first.is_alive()
    assert record is not None
    assert record.status == "queued"
    [message] = [json.loads(text) for text in client.lrange(keys.QUEUE, 0, -1)]
    headers = message["headers"]
    assert (headers["task"], headers["retries"], headers["large"]) == (TASK, 0, True)
    assert headers["eta"]
    put(bench, "attack babble ")  # not read as long as the other one is decoded
    deliver_large(bench)
    assert client.llen(keys.QUEUE) == 2
    assert bench.xrays.get(bench.xray.id).status == "queued"
    first.join()
    deliver_large(bench)
    assert bench.xrays.get(bench.xray.id).status == "rejected"


def deliver_large(bench: Bench) -> None:
    """Deliver the message of a postponed X-ray; `apply` leaves its headers out of the request."""
    bench.task.push_request(id="1", retries=0, large=True)
    try:
        bench.task.run(bench.xray.id)
    finally:
        bench.task.pop_request()


def hold_large(cage: Cage, seconds: float) -> None:
    """Decode a large X-ray for so long."""
    with pytest.raises(CageFault, match="AssertionError"):
        cage.read(f"attack hold_gate {seconds}".encode(), 60_000_000, 224)
