"""`pneumonia_api.records.sent`: an upload sent again after a lost response is one upload."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.app import create_app
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.sent import SentUploads
from tests.pictures import picture
from tests.pneumonia_api.errors import check_error
from tests.pneumonia_api.records.judged import done


def send(app: APIFlask, key: str | None, data: bytes, token: str | None = None) -> TestResponse:
    """Upload `data` under an idempotency key."""
    headers = {"Authorization": f"Bearer {token or 'key-of-the-test'}"} | (
        {"Idempotency-Key": key} if key else {}
    )
    return app.test_client().post(
        "/v1/xrays", data={"xray": (io.BytesIO(data), "x")}, headers=headers
    )


def count(app: APIFlask) -> int:
    """How many records there are."""
    headers = {"Authorization": "Bearer key-of-the-test"}
    return len(app.test_client().get("/v1/xrays", headers=headers).json["xrays"])


def test_upload_sent_again_is_the_same_upload(app: APIFlask, client: redis.Redis) -> None:
    """It returns the same record for a day, even with the quotes of the draft."""
    first = send(app, "abc-1", picture())
    again = send(app, '"abc-1"', picture())
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json == first.json
    assert count(app) == 1
    [name] = client.keys("sent:*")
    assert 0 < client.ttl(name) <= 24 * 3600
    assert "abc-1" not in name


def test_without_a_key_each_upload_is_a_new_one(app: APIFlask) -> None:
    """The same bytes make two records."""
    assert send(app, None, picture()).json["id"] != send(app, None, picture()).json["id"]


def test_key_with_other_bytes_is_refused(app: APIFlask) -> None:
    """The second X-ray is refused, not mistaken for the first."""
    assert send(app, "abc", picture()).status_code == 202
    check_error(send(app, "abc", picture(side=301)), 422, "idempotency_key_reused")
    assert count(app) == 1


@pytest.mark.parametrize("key", ["x" * 129, '""', "a b", "\xe9", '"a'])
def test_invalid_key_is_refused(app: APIFlask, key: str) -> None:
    """A key has 1 to 128 printable characters."""
    check_error(send(app, key, picture()), 422, "bad_idempotency_key")


def test_keys_of_two_callers_are_two_keys(app: APIFlask) -> None:
    """Nobody receives another caller's record."""
    accounts = app.extensions["accounts"]
    tokens = []
    for user in ("ann", "bob"):
        accounts.set_password(user, "correct horse")
        tokens.append(accounts.log_in(user, "correct horse", "10.0.0.1"))
    ids = {send(app, "abc", picture(), token).json["id"] for token in tokens}
    assert len(ids) == 2


def test_sent_many_times_at_once_it_is_one_upload(app: APIFlask, tmp_path: Path) -> None:
    """Twelve parallel uploads make one record and one image."""
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: send(app, "abc", picture()), range(12)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert count(app) == 1
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_full_queue_does_not_hide_what_was_accepted(app: APIFlask) -> None:
    """The response to an upload that already waits is its record, not 503."""
    for number in range(3):
        assert send(app, f"key-{number}", picture()).status_code == 202
    check_error(send(app, "key-3", picture()), 503, "queue_full")
    assert send(app, "key-1", picture()).status_code == 202


def test_deleted_upload_may_be_sent_again(app: APIFlask) -> None:
    """A key never stands for a deleted X-ray."""
    first = send(app, "abc", picture()).json["id"]
    headers = {"Authorization": "Bearer key-of-the-test"}
    assert app.test_client().delete(f"/v1/xrays/{first}", headers=headers).status_code == 204
    again = send(app, "abc", picture())
    assert again.status_code == 202
    assert again.json["id"] != first
    assert app.extensions["images"].read_incoming(again.json["id"]) == picture()


def test_prediction_that_is_reused_is_reused_once(app: APIFlask) -> None:
    """Known bytes sent twice under one key make one more record."""
    xrays, images = app.extensions["xrays"], app.extensions["images"]
    app.extensions["served_model"].announce({"version": "m1"})
    judged = done(new_xray("machine", hashlib.sha256(picture()).hexdigest()))
    xrays.add(judged)
    images.write_preview(judged.id, b"jpeg\xff\xd9")
    first, again = send(app, "abc", picture()), send(app, "abc", picture())
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json
    assert count(app) == 2


def test_store_that_was_lost_in_the_middle_is_no_reason_to_lose_the_upload(
    app: APIFlask, client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    """503 while records cannot be written; afterwards the same key succeeds."""
    client.config_set("maxmemory", 1)
    try:
        check_error(send(app, "abc", picture()), 503, "store_unavailable")
    finally:
        client.config_set("maxmemory", 0)
    assert client.keys("sent:*") == []
    settings = {
        "REDIS_URL": redis_url,
        "API_KEY": "key-of-the-test",
        "IMAGE_STORE": tmp_path.as_uri(),
    }
    started_again = create_app(settings)
    answer = send(started_again, "abc", picture())
    assert answer.status_code == 202
    assert app.extensions["images"].read_incoming(answer.json["id"]) == picture()


def test_upload_that_failed_on_our_side_may_be_sent_again(app: APIFlask) -> None:
    """The record asks for it, and a script repeats its key."""
    first = send(app, "abc", picture()).json["id"]
    xrays = app.extensions["xrays"]
    xrays.finish(replace(xrays.get(first), status="failed", reason="Send it again."))
    again = send(app, "abc", picture())
    assert again.status_code == 202
    assert again.json["id"] != first


def test_accepted_upload_outlives_its_own_lost_first_try(
    app: APIFlask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt was committed without a reply, and the second one returns its record."""
    uploads = app.extensions["sent"]
    add = type(uploads).add

    def lose_the_answer(
        self: SentUploads, xray: XrayRecord, name: str | None, task: str | None
    ) -> XrayRecord:
        add(self, xray, name, task)
        raise redis.ConnectionError("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(SentUploads, "add", lose_the_answer)
        check_error(send(app, "abc", picture()), 503, "store_unavailable")
    again = send(app, "abc", picture())
    assert again.status_code == 202
    assert app.extensions["images"].read_incoming(again.json["id"]) == picture()
    assert count(app) == 1
