"""The route of a review: who may review which X-ray, and the answers."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest
import redis
from apiflask import APIFlask
from PIL import Image
from werkzeug.test import TestResponse

from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.scope import ScopeRecord
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.errors import check_error
from tests.pneumonia_api.records.judged import done

Say = Callable[..., TestResponse]


@pytest.fixture
def xrays(app: APIFlask) -> XrayStore:
    """The API's own store, empty."""
    return app.extensions["xrays"]


@pytest.fixture
def judged(xrays: XrayStore) -> XrayRecord:
    """A stored X-ray that the model called pneumonia."""
    xray = done(new_xray("doctor", "d1", "Study 7"))
    xrays.add(xray)
    return xray


@pytest.fixture
def say(app: APIFlask, client: redis.Redis) -> Say:
    """Send a review as the logged-in user `doctor`."""
    app.extensions["accounts"].set_password("doctor", "correct horse")
    token = app.extensions["accounts"].log_in("doctor", "correct horse", "127.0.0.1")

    def put(xray_id: str, **review: object) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"}
        return app.test_client().put(f"/v1/xrays/{xray_id}/review", json=review, headers=headers)

    return put


def test_route_answers_with_the_record(say: Say, judged: XrayRecord) -> None:
    """The reader is who is logged in, and the time is now; neither can be sent."""
    before = datetime.now(UTC).replace(microsecond=0)
    answer = say(judged.id, label="normal", note="Ask Ann")
    assert answer.status_code == 200
    review = answer.json["review"]
    assert (review["label"], review["note"], review["reader"]) == ("normal", "Ask Ann", "doctor")
    assert before <= datetime.fromisoformat(review["reviewed_at"]) <= datetime.now(UTC)
    assert answer.json["prediction"]["decision"] == "pneumonia"
    assert say(judged.id, label="unsure").json["review"]["note"] == ""
    check_error(say(judged.id, label="unsure", reader="other"), 422, "invalid_request")


def test_batch_record_is_reviewed_like_any_other(say: Say, xrays: XrayStore) -> None:
    """A folder's results are in the same worklist, for the same readers; the mark stays."""
    scored = done(new_xray("batch", "d9"))
    xrays.add_scored([scored])
    assert say(scored.id, label="pneumonia").json["source"] == "batch"
    assert xrays.find_scored([scored.id[12:]]) == [scored.id]


@pytest.mark.parametrize(
    "review",
    [
        {},
        {"label": "ill"},
        {"label": None},
        {"label": ["normal"]},
        {"label": "normal", "note": "x" * 201},
        {"label": "normal", "note": "two\nlines"},
        {"label": "normal", "note": "\ud800"},
        {"label": "normal", "note": 7},
    ],
)
def test_wrong_review_is_refused(say: Say, judged: XrayRecord, review: dict[str, object]) -> None:
    """422 names the value, and nothing is stored."""
    answer = say(judged.id, **review)
    check_error(answer, 422, "invalid_request")
    assert answer.json["error"]["message"].startswith(("label: ", "note: "))
    assert say(judged.id, label="normal", note="x" * 200).status_code == 200


def test_what_cannot_be_reviewed_says_why(say: Say, xrays: XrayStore) -> None:
    """404 for no record, 409 for one without a prediction."""
    waiting = new_xray("doctor", "d1")
    xrays.add(waiting)
    check_error(say(waiting.id, label="normal"), 409, "not_reviewable")
    check_error(say("0" * 32, label="normal"), 404, "no_such_xray")


def test_record_that_reuses_a_prediction_has_no_review(
    app: APIFlask, headers: dict[str, str]
) -> None:
    """Identical bytes share the prediction and its scope, never a reading."""
    buffer = io.BytesIO()
    Image.radial_gradient("L").save(buffer, "PNG")
    data = buffer.getvalue()
    xrays: XrayStore = app.extensions["xrays"]
    first = done(new_xray("machine", hashlib.sha256(data).hexdigest()))
    first = replace(first, scope=ScopeRecord(True, "above", 1, 5))
    app.extensions["served_model"].announce({"version": "m1"})
    xrays.add(first)
    app.extensions["images"].write_preview(first.id, b"jpeg\xff\xd9")
    app.extensions["reviews"].put(
        first.id, label="normal", note="", reader="a", at=datetime.now(UTC)
    )
    body = {"xray": (io.BytesIO(data), "xray.png")}
    second = app.test_client().post("/v1/xrays", data=body, headers=headers).json
    assert second["status"] == "done"
    assert second["review"] is None
    assert second["scope"] == asdict(ScopeRecord(True, "above", 1, 5))
    reviewed = app.test_client().get("/v1/xrays?reviewed=true", headers=headers).json["xrays"]
    assert [xray["id"] for xray in reviewed] == [first.id]
