"""`pneumonia_api.worker.housekeeping` on a real Redis and a real folder."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from celery import Celery

from pneumonia_api.records import keys
from pneumonia_api.records.deliveries import Deliveries
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.publishing import create_queue
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.workers import Workers
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker import housekeeping
from pneumonia_api.worker.housekeeping import (
    ORPHAN_SECONDS,
    keep_house,
    keep_images_clean,
    keep_upgrading,
    sweep,
)
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.records.previous_release import PreviousRelease
from tests.pneumonia_api.redis_server import running_redis
from tests.stack import free_ports


def wait_for_worker(workers: Workers) -> None:
    """Wait until a worker beats, for half a minute at most."""
    for _ in range(300):
        try:
            if workers.count() > 0:
                return
        except redis.RedisError:
            pass  # the server has not started yet
        time.sleep(0.1)
    raise AssertionError("no worker ever beat")


def make_old(xray: XrayRecord) -> XrayRecord:
    """The same record, so old that no request can still be running."""
    sent = int((time.time() - ORPHAN_SECONDS - 60) * 1000)
    return replace(xray, id=f"{sent:012x}{xray.id[12:]}")


@pytest.fixture
def xrays(client: redis.Redis) -> XrayStore:
    """An empty store."""
    return XrayStore(client)


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    """An empty image store."""
    return ImageStore(tmp_path.as_uri())


@pytest.fixture
def queue() -> Iterator[Celery]:
    """The queue of the workers' timers."""
    with create_queue() as app:
        yield app


def make_house(
    client: redis.Redis, deliveries: Deliveries, queue: Celery, ended: threading.Event
) -> threading.Thread:
    """The thread of `keep_house` as a worker with model `m1` runs it; not started."""
    return threading.Thread(
        target=keep_house,
        args=("celery@host", lambda: {"version": "m1"}, client, deliveries, queue, ended),
    )


def test_worker_that_starts_before_redis_becomes_ready(tmp_path: Path) -> None:
    """It announces model and heartbeat as soon as Redis answers."""
    port = free_ports()["REDIS_PORT"]
    url = f"redis://127.0.0.1:{port}/0"
    client = redis.Redis.from_url(
        url, decode_responses=True, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0)
    )
    workers, ended = Workers(client), threading.Event()
    with Celery(broker=url) as queue, client:
        house = make_house(client, Deliveries(client), queue, ended)
        house.start()
        with pytest.raises(redis.RedisError):
            workers.count()
        with running_redis(port, tmp_path):
            wait_for_worker(workers)
            assert ServedModel(client).get() == {"version": "m1"}
            ended.set()
            house.join(10)
            assert workers.count() == 0


def test_stranded_xray_is_published_again(
    xrays: XrayStore, client: redis.Redis, redis_url: str
) -> None:
    """An accepted X-ray whose task was never published."""
    xrays.add(make_old(new_xray("doctor", "d1")))
    ended = threading.Event()
    with Celery(broker=redis_url) as queue:
        house = make_house(client, Deliveries(client), queue, ended)
        house.start()
        task = client.blpop([keys.QUEUE], timeout=20)
        ended.set()
        house.join(10)
    assert task is not None


def test_worker_that_ends_keeps_what_it_has_begun(
    xrays: XrayStore, client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a warm shutdown no other delivery begins on its last X-ray."""
    monkeypatch.setattr(housekeeping, "HEARTBEAT_SECONDS", 0.3)
    deliveries, ended = Deliveries(client), threading.Event()
    xray = new_xray("doctor", "d1")
    xrays.add(xray)
    ended.set()
    with Celery(broker=redis_url) as queue:
        house = make_house(client, deliveries, queue, ended)
        with deliveries.hold(xray.id):
            client.expire(f"lease:{xray.id}", 1)
            house.start()
            time.sleep(1.5)
            with Deliveries(client).hold(xray.id) as other:
                assert other is None
        house.join(10)
    assert not house.is_alive()


def test_sweep_removes_what_no_record_needs(
    xrays: XrayStore, images: ImageStore, client: redis.Redis, queue: Celery, tmp_path: Path
) -> None:
    """Deletes images of deleted, unaccepted and rejected X-rays and partial files, and no other.

    An upload whose record is done goes to its task again, which completes the preview.
    """
    queued, finished, gone, bad = (make_old(new_xray("doctor", f"d{n}")) for n in range(4))
    fresh = new_xray("doctor", "d4")
    xrays.add(queued)
    xrays.add(done(finished))
    xrays.add(replace(bad, status="rejected"))
    images.write_incoming(bad.id, b"bytes")
    for xray in (queued, finished, gone, fresh):
        images.write_incoming(xray.id, b"bytes")
        images.write_preview(xray.id, b"jpeg\xff\xd9")
    (tmp_path / "previews" / f"{finished.id}.jpg.0123abcd.part").write_bytes(b"jp")
    (tmp_path / "previews" / "README").write_text("not ours")
    sweep(client, images, queue)
    [message] = client.lrange("predict", 0, -1)
    assert json.loads(message)["headers"]["argsrepr"] == f"('{finished.id}',)"
    assert set(images.list_names()) == {
        f"incoming/{queued.id}",
        f"incoming/{finished.id}",
        f"incoming/{fresh.id}",
        f"previews/{queued.id}.jpg",
        f"previews/{finished.id}.jpg",
        f"previews/{fresh.id}.jpg",
        "previews/README",
    }


def test_sweep_keeps_films_of_records_where_the_site_wants_them(
    xrays: XrayStore, images: ImageStore, client: redis.Redis, queue: Celery
) -> None:
    """A film goes with its record, and all go once the site keeps none; previews stay."""
    kept, gone = (make_old(new_xray("doctor", f"d{n}")) for n in range(2))
    xrays.add(done(kept))
    for xray in (kept, gone):
        images.write_preview(xray.id, b"jpeg\xff\xd9")
        images.write_film(xray.id, b"png")
    sweep(client, images, queue)
    assert images.list_names() == [f"previews/{kept.id}.jpg", f"films/{kept.id}.png"]
    sweep(client, images, queue, keeps_films=False)
    assert images.list_names() == [f"previews/{kept.id}.jpg"]


def test_sweep_deletes_nothing_when_redis_is_empty(
    client: redis.Redis, images: ImageStore, queue: Celery
) -> None:
    """A wrong Redis URL does not delete the previews."""
    images.write_preview(make_old(new_xray("doctor", "d1")).id, b"jpeg\xff\xd9")
    sweep(client, images, queue)
    assert len(images.list_names()) == 1


def test_one_worker_sweeps_at_its_start(
    xrays: XrayStore, images: ImageStore, client: redis.Redis, queue: Celery, tmp_path: Path
) -> None:
    """The others do not, and a broken store does not end the thread."""
    xrays.add(new_xray("doctor", "d1"))
    orphan = make_old(new_xray("doctor", "d2"))
    images.write_preview(orphan.id, b"jpeg\xff\xd9")
    for expected in ([], [f"previews/{orphan.id}.jpg"]):
        ended = threading.Event()
        house = threading.Thread(target=keep_images_clean, args=(client, images, queue, ended))
        house.start()
        for _ in range(300):
            if client.exists("lock:sweep") and images.list_names() == expected:
                break
            time.sleep(0.1)
        ended.set()
        house.join(10)
        assert images.list_names() == expected
        images.write_preview(orphan.id, b"jpeg\xff\xd9")
    client.delete("lock:sweep")
    images.delete_pictures(orphan.id)
    (tmp_path / "previews").rmdir()
    (tmp_path / "previews").write_text("in the way")
    ended = threading.Event()
    house = threading.Thread(target=keep_images_clean, args=(client, images, queue, ended))
    house.start()
    for _ in range(300):
        if client.exists("lock:sweep"):
            break
        time.sleep(0.1)
    assert house.is_alive()
    ended.set()
    house.join(10)


def test_one_worker_moves_the_records_of_the_previous_release(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the hosts had time to be upgraded; a worker without the turn moves nothing."""
    xray = done(new_xray("doctor", "d1"))
    PreviousRelease(client).add(xray)

    def work(until: Callable[[], bool]) -> None:
        ended = threading.Event()
        house = threading.Thread(target=keep_upgrading, args=(client, ended))
        house.start()
        for _ in range(100):
            if until():
                break
            time.sleep(0.05)
        ended.set()
        house.join(10)
        assert not house.is_alive()

    def look_for_half_a_second() -> None:
        enough = time.monotonic() + 0.5
        work(lambda: time.monotonic() > enough)

    look_for_half_a_second()
    assert not client.exists("lock:upgrade")
    monkeypatch.setattr(housekeeping, "SETTLE_SECONDS", 0)
    client.set("lock:upgrade", "another worker")
    look_for_half_a_second()
    assert client.exists("xrays:status:done")
    client.delete("lock:upgrade")
    work(lambda: not client.exists("xrays:status:done"))
    check_indexes(client)
    assert XrayStore(client).get(xray.id) == xray
