"""The connection to Redis is cut at every reply in turn: nothing accepted is lost."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from apiflask import APIFlask
from PIL import Image

from model.serving.predictor import Prediction
from pneumonia_api.app import create_app
from pneumonia_api.config import read_worker_config
from pneumonia_api.records import keys
from pneumonia_api.records.deliveries import Deliveries
from pneumonia_api.records.images import ImageMissing, ImageStore
from pneumonia_api.records.publishing import TASK
from pneumonia_api.records.record import new_xray
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.metrics import XRAYS
from pneumonia_api.worker.tasks import create_worker
from tests.pneumonia_api.cutting_proxy import Cut, CuttingProxy, cut_everywhere
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import done


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    """The one of the API and of the worker."""
    return ImageStore(tmp_path.as_uri())


def make_png() -> bytes:
    """An image that can be read."""
    file = io.BytesIO()
    Image.radial_gradient("L").save(file, "PNG")
    return file.getvalue()


def has_upload(images: ImageStore, xray_id: str) -> bool:
    """Whether the upload's bytes are there."""
    try:
        return bool(images.read_incoming(xray_id))
    except ImageMissing:
        return False


def count_ends() -> float:
    """How many X-rays the worker has counted as finished, whatever their end."""
    (metric,) = XRAYS.collect()
    return sum(each.value for each in metric.samples if each.name.endswith("_total"))


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_workers_life_loses_an_xray(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    client: redis.Redis,
    images: ImageStore,
    tmp_path: Path,
    report: Callable[[str], None],
) -> None:
    """Bytes go exactly when an end state stands; the next delivery ends what still waits."""
    settings = {"REDIS_URL": proxy[1], "IMAGE_STORE": tmp_path.as_uri()}
    task = create_worker(read_worker_config(settings)).tasks[TASK]
    answer = Prediction(
        0.9, "pneumonia", 0.5, "m1", [[0.0, 1.0]], 0.4, None, None, "float32", "pneumonia_likely"
    )
    artifact = SimpleNamespace(input_side=224, ages=None, version="m1")
    task.predictor = SimpleNamespace(predict=lambda picture, rule: answer, artifact=artifact)
    xrays = XrayStore(client)
    png, sent, waited, before = make_png(), [], [], []

    def live() -> None:
        xray = new_xray("doctor", "digest")
        images.write_incoming(xray.id, png)
        xrays.add(xray)
        sent.append(xray.id)
        before.append(count_ends())
        task.apply((xray.id,))

    def check(n: int) -> None:
        xray_id = sent[-1]
        status = xrays.get(xray_id).status
        assert status in ("queued", "done"), (n, status)
        assert has_upload(images, xray_id) or status == "done", f"cut {n}: the upload is lost"
        if status == "queued":
            waited.append(n)
        client.delete(f"lease:{xray_id}")  # as after the seconds that it lasts
        task.apply((xray_id,))  # as the timer, or the queue, delivers it again
        assert xrays.get(xray_id).status == "done", n
        assert not has_upload(images, xray_id), n
        check_indexes(client)
        assert images.read_preview(xray_id)
        counted = count_ends() - before[-1]
        # Only an outage that lasts can keep from the worker that its answer was written.
        assert counted == 1 or (how is Cut.AWAY and counted == 0), (n, counted)

    covered = cut_everywhere(proxy[0], how, live, check)
    assert xrays.get(sent[-1]).status == "done"  # the run that was not cut
    assert covered > 5  # connecting, beginning, ending, releasing the lease
    report(f"{covered} cuts of a worker's life, {how.name}; waited after {waited}")


@pytest.fixture
def cut_app(proxy: tuple[CuttingProxy, str], tmp_path: Path) -> Iterator[APIFlask]:
    """The API, by way of the proxy; its connections are closed, for no process ends here."""
    app = create_app(
        {
            "REDIS_URL": proxy[1],
            "API_KEY": "key-of-the-test",
            "IMAGE_STORE": tmp_path.as_uri(),
            "MAX_QUEUED": "100000",
        }
    )
    yield app
    app.extensions["xrays"]._redis.connection_pool.disconnect()
    app.extensions["queue"].close()


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_an_upload_loses_it(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    client: redis.Redis,
    cut_app: APIFlask,
    images: ImageStore,
    headers: dict[str, str],
    report: Callable[[str], None],
) -> None:
    """Accepted: record, bytes, and a task or a place among the stranded; no bare record."""
    xrays, png, answers = XrayStore(client), make_png(), []
    web = cut_app.test_client()

    def live() -> None:
        client.flushall()
        form = {"xray": (io.BytesIO(png), "x.png")}
        answers.append(web.post("/v1/xrays", headers=headers, data=form))

    def check(n: int) -> None:
        answer = answers[-1]
        ids = client.zrange("xrays", 0, -1)
        assert answer.status_code in (202, 503), (n, answer.text)
        if answer.status_code == 202:
            assert ids == [answer.json["id"]], n
        check_indexes(client)
        for xray_id in ids:
            assert xrays.get(xray_id).status == "queued"
            assert has_upload(images, xray_id), f"cut {n}: a record without its upload"
            found = client.llen(keys.QUEUE) or Deliveries(client).find_stranded(-1) == [xray_id]
            assert found, f"cut {n}: nobody will judge it"

    covered = cut_everywhere(proxy[0], how, live, check)
    assert answers[-1].status_code == 202
    codes = [answer.status_code for answer in answers]
    report(f"{covered} cuts of an upload, {how.name}; {codes.count(503)} refused")


@pytest.mark.parametrize("how", Cut)
@pytest.mark.parametrize("status", ["queued", "done"])
def test_no_cut_of_a_deletion_leaves_half(
    status: str,
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    client: redis.Redis,
    cut_app: APIFlask,
    images: ImageStore,
    headers: dict[str, str],
    report: Callable[[str], None],
) -> None:
    """After 204 nothing is left of a waiting X-ray, and a judged one is hidden and whole.

    After 503 a waiting X-ray can still be judged, and either can be deleted.
    """
    xrays, answers, sent = XrayStore(client), [], []
    web = cut_app.test_client()

    def live() -> None:
        client.flushall()
        xray = new_xray("doctor", "digest")
        images.write_incoming(xray.id, b"bytes")
        images.write_preview(xray.id, b"jpeg\xff\xd9")
        xrays.add(done(xray) if status == "done" else xray)
        sent.append(xray.id)
        answers.append(web.delete(f"/v1/xrays/{xray.id}", headers=headers))

    def check(n: int) -> None:
        xray_id = sent[-1]
        assert answers[-1].status_code in (204, 503), (n, answers[-1].text)
        path = f"/v1/xrays/{xray_id}"
        if answers[-1].status_code == 503 and web.get(path, headers=headers).status_code == 200:
            if status == "queued":
                assert has_upload(images, xray_id), f"cut {n}: queued without its upload"
            assert web.delete(path, headers=headers).status_code == 204
        check_indexes(client)
        if status == "done":
            assert web.get(path, headers=headers).status_code == 404, n
            assert images.read_preview(xray_id), n
            assert web.post(f"{path}/restore", headers=headers).status_code == 200, n
            assert xrays.get(xray_id).deletion is None, n
            check_indexes(client)
            return
        if answers[-1].status_code == 204:
            assert not [name for name in images.list_names() if xray_id in name], n
        assert not [
            key for key in client.keys("*") if not key.startswith("finished:") and key != "audit"
        ], n

    covered = cut_everywhere(proxy[0], how, live, check)
    assert answers[-1].status_code == 204
    report(f"{covered} cuts of a deletion, {how.name}")
