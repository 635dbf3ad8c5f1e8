"""Deleted X-rays whose time is over, on a real Redis and a real folder."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from celery import Celery

from pneumonia_api.records.deletions import Deletions
from pneumonia_api.records.image_files import ImageStoreUnavailable
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.publishing import create_queue
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.housekeeping import (
    ORPHAN_SECONDS,
    forget_deleted,
    keep_images_clean,
    sweep,
)
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done


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


def add(client: redis.Redis, images: ImageStore, digest: str, days: int = 0) -> XrayRecord:
    """A judged X-ray, too old to be an upload in progress; deleted so many days ago, if any."""
    now = datetime.now(UTC)
    xray = done(new_xray("doctor", digest))
    sent = int((time.time() - ORPHAN_SECONDS - 60) * 1000)
    xray = replace(xray, id=f"{sent:012x}{xray.id[12:]}")
    XrayStore(client).add(xray)
    images.write_preview(xray.id, b"jpeg\xff\xd9")
    if days:
        kept = Deletions(client, timedelta(days=30))
        kept.delete(xray.id, by="ann", at=now - timedelta(days=days))
    return xray


def test_deleted_xray_is_gone_after_its_time(
    xrays: XrayStore, images: ImageStore, client: redis.Redis, queue: Celery
) -> None:
    """The hourly job removes record, preview and indexes; until then it keeps the preview."""
    old, recent, kept = (add(client, images, f"d{days}", days) for days in (31, 29, 0))
    ended = threading.Event()
    job = threading.Thread(target=keep_images_clean, args=(client, images, queue, ended))
    job.start()
    for _ in range(300):
        if not xrays.exists(old.id):
            break
        time.sleep(0.1)
    ended.set()
    job.join(10)
    assert not job.is_alive()
    assert not xrays.exists(old.id)
    assert set(images.list_names()) == {f"previews/{recent.id}.jpg", f"previews/{kept.id}.jpg"}
    check_indexes(client)
    restored = Deletions(client, timedelta(days=30)).restore(
        recent.id, by="ann", at=datetime.now(UTC)
    )
    assert restored == recent


def test_deleted_xray_waits_for_an_image_store_that_fails(
    xrays: XrayStore, images: ImageStore, client: redis.Redis, queue: Celery, tmp_path: Path
) -> None:
    """The record is the last to go, so a later turn finds the preview and deletes it."""
    xray = add(client, images, "d1", 31)
    away = (tmp_path / "previews").rename(tmp_path / "away")
    (tmp_path / "previews").write_text("in the way")
    with pytest.raises(ImageStoreUnavailable):
        forget_deleted(client, images)
    (tmp_path / "previews").unlink()
    away.rename(tmp_path / "previews")
    assert xrays.exists(xray.id)
    forget_deleted(client, images)
    sweep(client, images, queue)
    assert images.list_names() == []
    assert not xrays.exists(xray.id)
