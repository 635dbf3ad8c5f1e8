"""The worker keeps the film at full depth after the result, and whatever happens in between."""

import io
import threading
from pathlib import Path

import numpy as np
import pytest
import redis
from PIL import Image

from model.cage import pool
from model.cage.exchange import Exchange
from model.cage.pool import CageLost, NoFilm
from model.reading.xray import read_xray
from model.serving.golden import list_images
from pneumonia_api.records.images import FilmMissing, ImageMissing, ImageStore
from pneumonia_api.records.record import new_xray
from tests.pneumonia_api.worker.accepted import Bench, answer


@pytest.fixture
def bench(client: redis.Redis, redis_url: str, tmp_path: Path) -> Bench:
    """A new one for each test."""
    return Bench(client, redis_url, tmp_path)


def read_film(images: ImageStore, xray_id: str) -> bytes:
    """All bytes of it."""
    file, size = images.open_film(xray_id)
    with file:
        data = file.read()
    assert len(data) == size
    return data


def test_film_is_kept_at_the_resolution_of_the_file(bench: Bench) -> None:
    """Pixel by pixel what was analysed, in a file of its own; the upload is gone."""
    record = bench.run(answer)
    assert record is not None
    chest = read_xray(list_images()[0][0].read_bytes())
    with Image.open(io.BytesIO(read_film(bench.images, record.id))) as film:
        assert np.array_equal(np.asarray(film), chest.pixels)
    with pytest.raises(ImageMissing):
        bench.images.read_incoming(record.id)


def test_site_that_forbids_films_has_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the preview, as before."""
    monkeypatch.setattr(bench.task, "_keeps_films", False)
    record = bench.run(answer)
    assert record is not None
    assert bench.images.list_names() == [f"previews/{record.id}.jpg"]


def test_result_does_not_wait_for_the_film(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record and preview are there while the film is still being made."""
    status: list[str] = []
    write = bench.images.write_film

    def note_status(xray_id: str, data: bytes) -> None:
        status.append(bench.xrays.get(xray_id).status)
        assert bench.images.read_preview(xray_id)
        assert bench.images.read_incoming(xray_id)
        write(xray_id, data)

    monkeypatch.setattr(bench.task._images, "write_film", note_status)
    bench.run(answer)
    assert status == ["done"]


def test_worker_that_died_in_between_leaves_the_film_to_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload is there until the film is: the next delivery makes it, and judges nothing."""

    def die(exchange: object, most: int) -> bytes:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("model.cage.pool._wait_film", die)
        with pytest.raises(SystemExit):
            bench.run(answer)
    record = bench.xrays.get(bench.xray.id)
    assert record.status == "done"
    with pytest.raises(FilmMissing):
        bench.images.open_film(record.id)
    assert bench.run(answer) == record
    assert bench.calls == 1
    assert read_film(bench.images, record.id)
    with pytest.raises(ImageMissing):
        bench.images.read_incoming(record.id)


def test_film_that_cannot_be_made_costs_nothing_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result stands with its preview, and the upload does not stay for ever."""

    def refuse(exchange: object, most: int) -> bytes:
        raise NoFilm("too large")

    monkeypatch.setattr("model.cage.pool._wait_film", refuse)
    record = bench.run(answer)
    assert record is not None
    assert record.status == "done"
    assert bench.images.list_names() == [f"previews/{record.id}.jpg"]


def test_killed_reader_is_tried_again_for_the_film(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for the result: the machine was out of memory, and the X-ray is not to blame."""
    lost = iter([True, False])
    wait = pool._wait_film

    def lose(exchange: Exchange, most: int) -> bytes:
        if next(lost, False):
            raise CageLost("killed")
        return wait(exchange, most)

    monkeypatch.setattr("model.cage.pool._wait_film", lose)
    record = bench.run(answer)
    assert record is not None
    assert read_film(bench.images, record.id)
    assert bench.calls == 1


def test_film_of_an_xray_deleted_meanwhile_is_deleted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it stays."""
    write = bench.images.write_film

    def write_too_late(xray_id: str, data: bytes) -> None:
        bench.xrays.delete(bench.xrays.get(xray_id))
        write(xray_id, data)

    monkeypatch.setattr(bench.task._images, "write_film", write_too_late)
    assert bench.run(answer) is None
    assert bench.images.list_names() == []


def test_slow_reader_of_a_film_holds_no_other_up(tmp_path: Path) -> None:
    """A film is opened, not loaded: deleting it while it is sent does not fail."""
    images = ImageStore(tmp_path.as_uri())
    xray = new_xray("doctor", "d1")
    images.write_film(xray.id, b"png" * 100_000)
    file, _ = images.open_film(xray.id)
    with file:
        assert file.read(3) == b"png"
        thread = threading.Thread(target=images.delete_pictures, args=(xray.id,))
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
        assert len(file.read()) == 299_997
