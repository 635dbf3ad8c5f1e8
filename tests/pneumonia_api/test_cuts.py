"""The connection to Redis is cut at every reply in turn: nothing accepted is lost."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from apiflask import APIFlask
from PIL import Image

from model.predictor import Prediction
from pneumonia_api.app import create_app
from pneumonia_api.auth import Accounts, WrongPassword
from pneumonia_api.config import read_config
from pneumonia_api.deliveries import Deliveries
from pneumonia_api.images import ImageMissing, ImageStore
from pneumonia_api.reviews import Reviews
from pneumonia_api.store import QUEUE, TASK, Xray, XrayMissing, XrayStore, new_xray
from pneumonia_api.tasks import create_worker
from pneumonia_api.worker_metrics import XRAYS
from tests.pneumonia_api.cutting_proxy import Cut, CuttingProxy, cut_everywhere, cutting_proxy
from tests.pneumonia_api.records import done
from tests.pneumonia_api.test_batch import make_done

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
WEEK = "reviews:2026-W48"


@pytest.fixture
def proxy(client: redis.Redis, redis_url: str) -> Iterator[tuple[CuttingProxy, str]]:
    """Between the test's part and Redis; `client` looks at Redis past it."""
    with cutting_proxy(redis_url) as running:
        yield running


@pytest.fixture
def through(proxy: tuple[CuttingProxy, str]) -> Iterator[redis.Redis]:
    """A client as the API has it, by way of the proxy."""
    retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.01), 1)
    with redis.Redis.from_url(proxy[1], decode_responses=True, retry=retry) as connection:
        yield connection


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


def indexed(client: redis.Redis, xray_id: str) -> set[str]:
    """The statuses under which the id is indexed."""
    statuses = ("queued", "done", "rejected", "failed")
    return {s for s in statuses if client.zscore(f"xrays:status:{s}", xray_id) is not None}


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_workers_life_loses_an_xray(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    client: redis.Redis,
    images: ImageStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Bytes go exactly when an end state stands; the next delivery ends what still waits."""
    settings = {"REDIS_URL": proxy[1], "API_KEY": "k", "IMAGE_STORE": images_url(images)}
    task = create_worker(read_config(settings)).tasks[TASK]
    answer = Prediction(0.9, "pneumonia", 0.5, "m1", [[0.0, 1.0]], 0.4, None, None)
    task.predictor = SimpleNamespace(predict=lambda picture: answer)
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
        assert indexed(client, xray_id) == {"done"}, n
        assert images.read_preview(xray_id)
        counted = count_ends() - before[-1]
        # Only an outage that lasts can keep from the worker that its answer was written.
        assert counted == 1 or (how is Cut.AWAY and counted == 0), (n, counted)

    covered = cut_everywhere(proxy[0], how, live, check)
    assert xrays.get(sent[-1]).status == "done"  # the run that was not cut
    assert covered > 15
    with capsys.disabled():
        print(f" [{covered} cuts of a worker's life, {how.name}; waited after {waited}]", end="")


def images_url(images: ImageStore) -> str:
    """Where the image store is."""
    return Path(images._root).as_uri()


@pytest.fixture
def cut_app(proxy: tuple[CuttingProxy, str], images: ImageStore) -> APIFlask:
    """The API, by way of the proxy."""
    return create_app(
        {
            "REDIS_URL": proxy[1],
            "API_KEY": "key-of-the-test",
            "IMAGE_STORE": images_url(images),
            "MAX_QUEUED": "100000",
        }
    )


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_an_upload_loses_it(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    client: redis.Redis,
    cut_app: APIFlask,
    images: ImageStore,
    headers: dict[str, str],
    capsys: pytest.CaptureFixture[str],
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
        for xray_id in ids:
            assert xrays.get(xray_id).status == "queued"
            assert has_upload(images, xray_id), f"cut {n}: a record without its upload"
            found = client.llen(QUEUE) or Deliveries(client).find_stranded(-1) == [xray_id]
            assert found, f"cut {n}: nobody will judge it"

    covered = cut_everywhere(proxy[0], how, live, check)
    assert answers[-1].status_code == 202
    codes = [answer.status_code for answer in answers]
    with capsys.disabled():
        print(f" [{covered} cuts of an upload, {how.name}; {codes.count(503)} refused]", end="")


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
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Told 204, nothing is left; told 503, what waits can still be judged, and may be deleted."""
    xrays, answers, sent = XrayStore(client), [], []
    web = cut_app.test_client()

    def live() -> None:
        client.flushall()
        xray = new_xray("doctor", "digest")
        images.write_incoming(xray.id, b"bytes")
        images.write_preview(xray.id, b"jpeg")
        xrays.add(done(xray) if status == "done" else xray)
        sent.append(xray.id)
        answers.append(web.delete(f"/v1/xrays/{xray.id}", headers=headers))

    def check(n: int) -> None:
        xray_id = sent[-1]
        assert answers[-1].status_code in (204, 503), (n, answers[-1].text)
        if answers[-1].status_code == 503 and xrays.exists(xray_id):
            if status == "queued":
                assert has_upload(images, xray_id), f"cut {n}: queued without its upload"
            assert web.delete(f"/v1/xrays/{xray_id}", headers=headers).status_code == 204
        if answers[-1].status_code == 204:
            assert not [name for name in images.list_names() if xray_id in name], n
        assert not [key for key in client.keys("*") if not key.startswith("finished:")], n

    covered = cut_everywhere(proxy[0], how, live, check)
    assert answers[-1].status_code == 204
    with capsys.disabled():
        print(f" [{covered} cuts of a deletion, {how.name}]", end="")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_review_counts_it_twice(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The week counts one label for the X-ray, whether the review was sent once or again."""
    xrays, reviews = XrayStore(client), Reviews(through)
    sent: list[Xray] = []
    outcomes: list[bool] = []

    def put() -> bool:
        try:
            reviews.put(sent[-1].id, label="unsure", note="", reader="ann", at=AT)
        except redis.RedisError:
            return False
        return True

    def live() -> None:
        client.flushall()
        sent.append(done(new_xray("doctor", "digest")))
        xrays.add(sent[-1])
        outcomes.append(put())

    def check(n: int) -> None:
        if not outcomes[-1]:
            assert put()
        assert client.hgetall(WEEK) == {"m1 pneumonia unsure": "1"}, n
        assert client.zcard("xrays:reviewed") == 1, n

    covered = cut_everywhere(proxy[0], how, live, check)
    assert outcomes[-1]
    with capsys.disabled():
        print(f" [{covered} cuts of a review, {how.name}]", end="")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_stores_a_batch_twice_or_ends_its_run(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two files, one of which another run has stored: each once, and no error but an absence."""
    xrays, batch = XrayStore(client), XrayStore(through)
    lost: list[list[Xray] | None] = []
    mine, theirs, again = make_done("a"), make_done("b"), make_done("b")

    def live() -> None:
        client.flushall()
        xrays.add_batch([theirs])
        lost.append(store())

    def store() -> list[Xray] | None:
        try:
            return batch.add_batch([mine, replace(again, id="0" * 12 + again.id[12:])])
        except (redis.ConnectionError, redis.TimeoutError):
            return None  # what `patiently` waits for

    def check(n: int) -> None:
        left_out = store() if lost[-1] is None else lost[-1]
        assert left_out is not None
        assert [xray.id[12:] for xray in left_out] == [theirs.id[12:]], n
        assert client.zrange("xrays", 0, -1) == sorted([mine.id, theirs.id]), n

    covered = cut_everywhere(proxy[0], how, live, check)
    with capsys.disabled():
        print(f" [{covered} cuts of a batch, {how.name}]", end="")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_leaves_a_session_of_the_old_password(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Either nothing has changed, or the password has and every session is over."""
    beside, cut = Accounts(client, 3600), Accounts(through, 3600)
    tokens: list[str] = []
    outcomes: list[bool] = []

    def live() -> None:
        client.flushall()
        beside.set_password("ann", "old password")
        tokens.append(beside.log_in("ann", "old password", "10.0.0.1"))
        try:
            cut.set_password("ann", "new password")
        except redis.RedisError:
            outcomes.append(False)
        else:
            outcomes.append(True)

    def check(n: int) -> None:
        alive = beside.find_user(tokens[-1]) is not None
        try:
            beside.log_in("ann", "new password", "10.0.0.2")
            changed = True
        except WrongPassword:
            changed = False
        assert changed != alive, f"cut {n}: changed={changed}, old session alive={alive}"
        if outcomes[-1]:
            assert changed, n

    covered = cut_everywhere(proxy[0], how, live, check)
    assert outcomes[-1]
    with capsys.disabled():
        print(f" [{covered} cuts of a password change, {how.name}]", end="")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_users_deletion_leaves_a_session(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Either nothing has changed, or the person is gone and every session is over."""
    beside, cut = Accounts(client, 3600), Accounts(through, 3600)
    beside.set_password("ann", "the password")
    stored = client.hgetall("user:ann")
    tokens: list[str] = []

    def live() -> None:
        client.hset("user:ann", mapping=stored)
        tokens.append(beside.log_in("ann", "the password", "10.0.0.1"))
        with contextlib.suppress(redis.RedisError):
            cut.delete("ann")

    def check(n: int) -> None:
        alive = beside.find_user(tokens[-1]) is not None
        assert beside.exists("ann") == alive, f"cut {n}: old session alive={alive}"

    covered = cut_everywhere(proxy[0], how, live, check)
    assert not beside.exists("ann")
    with capsys.disabled():
        print(f" [{covered} cuts of a user's deletion, {how.name}]", end="")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_log_in_counts_a_try_twice(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A typing error whose connection was cut is one try of the ten, or none."""
    beside, cut = Accounts(client, 3600), Accounts(through, 3600)
    beside.set_password("ann", "the password")

    def live() -> None:
        client.delete("tries:ann:10.0.0.1")
        with pytest.raises((WrongPassword, redis.RedisError)):
            cut.log_in("ann", "a typing error", "10.0.0.1")

    def check(n: int) -> None:
        assert client.scard("tries:ann:10.0.0.1") <= 1, f"cut {n}: counted twice"

    covered = cut_everywhere(proxy[0], how, live, check)
    with capsys.disabled():
        print(f" [{covered} cuts of a typing error, {how.name}]", end="")


@pytest.mark.parametrize("how", Cut)
def test_no_cut_of_a_log_in_gives_a_token_that_opens_nothing(
    how: Cut,
    proxy: tuple[CuttingProxy, str],
    through: redis.Redis,
    client: redis.Redis,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A token that was given opens its door; else there was an error, and no lock."""
    beside, cut = Accounts(client, 3600), Accounts(through, 3600)
    beside.set_password("ann", "the password")
    tokens: list[str | None] = []

    def live() -> None:
        try:
            tokens.append(cut.log_in("ann", "the password", "10.0.0.1"))
        except redis.RedisError:
            tokens.append(None)

    def check(n: int) -> None:
        token = tokens[-1] or beside.log_in("ann", "the password", "10.0.0.1")
        assert beside.find_user(token) == "ann", n

    covered = cut_everywhere(proxy[0], how, live, check)
    assert tokens[-1]
    with capsys.disabled():
        print(f" [{covered} cuts of a log-in, {how.name}]", end="")


def test_proxy_counts_every_kind_of_reply(
    proxy: tuple[CuttingProxy, str], through: redis.Redis, client: redis.Redis
) -> None:
    """What is not armed passes everything on, whatever its shape."""
    xray = new_xray("doctor", "digest")
    XrayStore(through).add(xray)
    assert XrayStore(through).get(xray.id) == xray == XrayStore(client).get(xray.id)
    with pytest.raises(XrayMissing):
        XrayStore(through).get("0" * 32)
