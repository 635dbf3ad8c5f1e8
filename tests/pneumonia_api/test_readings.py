"""The route of readings: what is recorded, and what each refusal says."""

from collections.abc import Callable

import pytest
import redis
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.reviews import MAX_READINGS
from tests.pneumonia_api.errors import check_error

Send = Callable[..., TestResponse]


@pytest.fixture
def send(app: APIFlask, client: redis.Redis, judged: XrayRecord) -> Send:
    """Send an entry as a logged-in person, with an idempotency key if one is given."""
    tokens: dict[str, str] = {}

    def post(
        user: str, key: str | None = None, xray: str = judged.id, **body: object
    ) -> TestResponse:
        if user not in tokens:
            app.extensions["accounts"].set_password(user, "correct horse")
            tokens[user] = app.extensions["accounts"].log_in(user, "correct horse", "127.0.0.1")
        headers = {"Authorization": f"Bearer {tokens[user]}"}
        headers |= {"Idempotency-Key": key} if key else {}
        return app.test_client().post(f"/v1/xrays/{xray}/readings", json=body, headers=headers)

    return post


def test_entry_is_returned_in_the_list(send: Send) -> None:
    """201 with the record; the reader is who is logged in, and the key stays inside."""
    answer = send("ann", label="normal", note="Rotated", seen=0, ai="hidden", key="k1")
    assert answer.status_code == 201
    [entry] = answer.json["readings"]
    assert entry.pop("reviewed_at") == answer.json["review"]["reviewed_at"]
    assert entry == {
        "number": 1,
        "label": "normal",
        "note": "Rotated",
        "reader": "ann",
        "model": "m1",
        "ai": "hidden",
        "undoes": None,
        "reopens": None,
        "seconds": None,
        "stands": True,
    }
    assert send("ann", label="normal", note="Rotated", seen=0, ai="hidden", key="k1").json == (
        answer.json
    )


def test_second_of_two_readers_is_told_apart_from_a_repeat(send: Send) -> None:
    """409 with a code of its own, for another reader and for another tab."""
    assert send("ann", label="normal", seen=0, key="k1").status_code == 201
    check_error(send("bob", label="normal", seen=0, key="k2"), 409, "read_meanwhile")
    check_error(send("ann", label="normal", seen=0, key="k3"), 409, "read_meanwhile")
    check_error(send("ann", label="unsure", seen=0, key="k1"), 422, "idempotency_key_reused")
    check_error(send("ann", label="normal", seen=0, key="k 1"), 422, "bad_idempotency_key")
    answer = send("bob", label="unsure", seen=1, key="k2")
    assert [entry["reader"] for entry in answer.json["readings"]] == ["ann", "bob"]


def test_withdrawing_and_undoing(send: Send) -> None:
    """The record has no review then; who has nothing to withdraw is refused."""
    check_error(send("ann", label="withdrawn", seen=0), 409, "nothing_to_withdraw")
    send("ann", label="normal", seen=0)
    assert send("ann", label="withdrawn", seen=1).json["review"] is None
    assert send("ann", label="withdrawn", seen=2, undoes=2).json["review"]["label"] == "normal"


@pytest.mark.parametrize(
    "entry",
    [
        {"label": "normal"},
        {"label": "normal", "seen": -1},
        {"label": "normal", "seen": "one"},
        {"label": "ill", "seen": 0},
        {"label": "normal", "seen": 0, "ai": "seen"},
        {"label": "normal", "seen": 0, "undoes": 1},
        {"label": "withdrawn", "seen": 0, "undoes": 0},
        {"label": "normal", "seen": 0, "reader": "bob"},
        {"label": "normal", "seen": 0, "note": "two\nlines"},
    ],
)
def test_wrong_entry_is_refused(send: Send, entry: dict[str, object]) -> None:
    """422 names the value, and nothing is recorded."""
    check_error(send("ann", **entry), 422, "invalid_request")
    assert send("ann", label="normal", seen=0).status_code == 201


def test_what_cannot_be_read_says_why(app: APIFlask, send: Send, client: redis.Redis) -> None:
    """404 for no record, 409 for one without a prediction or with too many readings."""
    waiting = new_xray("doctor", "d2")
    app.extensions["xrays"].add(waiting)
    check_error(send("ann", xray=waiting.id, label="normal", seen=0), 409, "not_reviewable")
    check_error(send("ann", xray="0" * 32, label="normal", seen=0), 404, "no_such_xray")
    labels = ("normal", "unsure")
    for seen in range(MAX_READINGS):
        assert send("ann", label=labels[seen % 2], seen=seen).status_code == 201
    check_error(send("ann", label="normal", seen=MAX_READINGS), 409, "too_many_readings")


def test_old_client_still_replaces_its_review(
    app: APIFlask, send: Send, judged: XrayRecord, headers: dict[str, str]
) -> None:
    """The route of earlier clients needs no number and is never refused for another's reading."""
    send("ann", label="normal", seen=0)
    path = f"/v1/xrays/{judged.id}/review"
    for label in ("unsure", "pneumonia"):
        answer = app.test_client().put(path, json={"label": label}, headers=headers)
        assert answer.status_code == 200
        assert answer.json["review"]["label"] == label
    assert len(answer.json["readings"]) == 3
    assert answer.json["readings"][0]["stands"]


def test_readings_leave_no_text_in_the_log(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a note nor a refused value is logged."""
    caplog.set_level("DEBUG")
    send("ann", label="normal", note="Meier", seen=0)
    send("ann", label="normal", note="Meier", seen=0)
    send("ann", label="Meier", seen=1)
    assert "Meier" not in caplog.text
