"""X-rays that are older than the site keeps, on a real Redis and a real folder."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from prometheus_client import REGISTRY

from pneumonia_api.config import ConfigError, read_worker_config
from pneumonia_api.records import keys
from pneumonia_api.records.deletions import Deletions
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.reviews import Reviews
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker import retention
from pneumonia_api.worker.retention import forget_old
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    """An empty image store."""
    return ImageStore(tmp_path.as_uri())


def add(
    client: redis.Redis, images: ImageStore, days: float, *, status: str = "done", mark: str = ""
) -> XrayRecord:
    """An X-ray that was sent so many days ago, with what is stored of it."""
    sent = NOW - timedelta(days=days)
    xray = new_xray("doctor", f"digest {days} {status}", mark)
    xray = replace(
        xray,
        id=f"{int(sent.timestamp() * 1000):012x}{xray.id[12:]}",
        created_at=sent.isoformat(timespec="milliseconds"),
    )
    if status == "done":
        xray = done(xray)
        images.write_preview(xray.id, b"jpeg\xff\xd9")
        images.write_film(xray.id, b"png")
    else:
        xray = replace(
            xray, status=status, reason="It was rejected." if status != "queued" else None
        )
        images.write_incoming(xray.id, b"dicom")
    XrayStore(client).add(xray)
    return xray


def list_left(client: redis.Redis, images: ImageStore) -> tuple[set[str], set[str]]:
    """The ids of all records and those of all images."""
    ids = {key.removeprefix("xray:") for key in client.scan_iter("xray:*")}
    return ids, {name.partition("/")[2].partition(".")[0] for name in images.list_names()}


def test_record_preview_and_film_go_together_when_their_time_is_over(
    client: redis.Redis, images: ImageStore
) -> None:
    """With readings and index entries; what is younger by a minute stays whole."""
    old = add(client, images, 365.001, mark="Old one")
    add(client, images, 500, status="rejected")
    young = add(client, images, 364.999, mark="Young one")
    for each in (old, young):
        Reviews(client).put(each.id, label="normal", note="key finding", reader="ann", at=NOW)
    before = REGISTRY.get_sample_value("pneumonia_worker_expired_total") or 0
    assert forget_old(client, images, 365, NOW) == 2
    assert REGISTRY.get_sample_value("pneumonia_worker_expired_total") == before + 2
    assert list_left(client, images) == ({young.id}, {young.id})
    assert client.zrange(keys.XRAYS, 0, -1) == [young.id]
    check_indexes(client)
    assert forget_old(client, images, 365, NOW) == 0


def test_zero_days_keep_everything(client: redis.Redis, images: ImageStore) -> None:
    """For ever."""
    old = add(client, images, 9999)
    assert forget_old(client, images, 0, NOW) == 0
    assert list_left(client, images) == ({old.id}, {old.id})


def test_what_still_waits_is_not_removed(client: redis.Redis, images: ImageStore) -> None:
    """Its result was promised; it goes when it has ended."""
    waiting = add(client, images, 400, status="queued")
    assert forget_old(client, images, 365, NOW) == 0
    assert list_left(client, images) == ({waiting.id}, {waiting.id})


def test_deleted_one_is_left_to_the_time_until_which_it_can_be_restored(
    client: redis.Redis, images: ImageStore
) -> None:
    """That is sooner, and whoever deleted it was told so."""
    xray = add(client, images, 400)
    Deletions(client, timedelta(days=7)).delete(xray.id, by="ann", at=NOW)
    assert forget_old(client, images, 365, NOW) == 0
    restored = Deletions(client, timedelta(days=7)).restore(xray.id, by="ann", at=NOW)
    assert restored.id == xray.id


def test_all_of_many_are_found(
    client: redis.Redis, images: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that follow one which stays."""
    monkeypatch.setattr(retention, "CHUNK", 2)
    kept = add(client, images, 403, status="queued")
    for days in (402, 401.5, 401, 400.5, 400):
        add(client, images, days)
    assert forget_old(client, images, 365, NOW) == 5
    assert list_left(client, images)[0] == {kept.id}


def test_killed_between_images_and_record_is_finished_by_the_next_call(
    client: redis.Redis, images: ImageStore
) -> None:
    """No record is left without its images for good, and no image without its record."""
    xray = add(client, images, 400)
    images.delete_pictures(xray.id)
    assert forget_old(client, images, 365, NOW) == 1
    assert list_left(client, images) == (set(), set())


@pytest.mark.parametrize("value", ["-1", "36501", "a year", "1.5"])
def test_setting_is_a_whole_number_of_days(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """0 is one: for ever."""
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    given = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    assert read_worker_config(given).retention_days == 365
    assert read_worker_config({**given, "RETENTION_DAYS": "0"}).retention_days == 0
    with pytest.raises(ConfigError, match="RETENTION_DAYS"):
        read_worker_config({**given, "RETENTION_DAYS": value})
