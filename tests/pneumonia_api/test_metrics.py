"""`pneumonia_api.metrics`: the outcomes of uploads and log-ins, each counted once."""

import hashlib
import io
from pathlib import Path

import pytest
import redis
from apiflask import APIFlask
from PIL import Image

from pneumonia_api.passwords import MAX_FAILURES
from pneumonia_api.records.record import new_xray
from tests.pneumonia_api.full_disk import full_disk
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.test_views import picture
from tests.scrape import find_value, read_value


class Counts:
    """How much a counter has risen since this was made, by one of its labels."""

    def __init__(self, app: APIFlask, name: str, label: str, values: tuple[str, ...]) -> None:
        self._app, self._name, self._label, self._values = app, name, label, values
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        text = self._app.test_client().get("/metrics").text
        found = {v: find_value(text, self._name, **{self._label: v}) for v in self._values}
        return {value: count for value, count in found.items() if count is not None}

    def risen(self) -> dict[str, float]:
        """Those that have, from the 0 at which each of them was."""
        now = self._read()
        assert now.keys() == self._before.keys() == set(self._values)
        return {v: now[v] - self._before[v] for v in self._values if now[v] != self._before[v]}


def test_uploads_are_counted_by_outcome(
    app: APIFlask, headers: dict[str, str], tmp_path: Path
) -> None:
    """One outcome for each upload, whether it was refused before the view or in it."""
    outcomes = ("accepted", "reused", "refused", "unavailable")
    counts = Counts(app, "pneumonia_api_uploads_total", "outcome", outcomes)

    def post(data: bytes, sent: dict[str, str] = headers) -> int:
        form = {"xray": (io.BytesIO(data), "xray.jpg")}
        return app.test_client().post("/v1/xrays", data=form, headers=sent).status_code

    data = picture()
    xrays, images = app.extensions["xrays"], app.extensions["images"]
    app.extensions["served_model"].announce({"version": "m1"})
    judged = done(new_xray("machine", hashlib.sha256(data).hexdigest()))
    xrays.add(judged)
    images.write_preview(judged.id, b"jpeg\xff\xd9")
    assert post(data) == 200
    assert post(picture("PNG")) == 202
    assert post(b"text") == 415
    assert post(data, {}) == 401
    assert app.test_client().post("/v1/xrays", headers=headers).status_code == 422
    large = io.BytesIO()
    Image.effect_noise((400, 400), 60).save(large, "PNG")
    with full_disk():
        assert post(large.getvalue()) == 503
    assert app.test_client().get("/v1/xrays", headers=headers).status_code == 200
    assert app.test_client().options("/v1/xrays").status_code == 200
    assert counts.risen() == {"reused": 1, "accepted": 1, "refused": 3, "unavailable": 1}


def test_log_ins_are_counted_by_outcome(app: APIFlask) -> None:
    """A form without a password does not count as an attempt."""
    outcomes = ("ok", "wrong_password", "locked_out")
    counts = Counts(app, "pneumonia_api_log_ins_total", "outcome", outcomes)
    app.extensions["accounts"].set_password("doctor", "correct horse")
    web = app.test_client()
    assert web.post("/v1/sessions", json={"user": "doctor"}).status_code == 422
    for password in ("correct horse", *["guess"] * (MAX_FAILURES + 2)):
        web.post("/v1/sessions", json={"user": "doctor", "password": password})
    assert counts.risen() == {"ok": 1, "wrong_password": MAX_FAILURES, "locked_out": 2}


def test_failed_requests_leave_nothing_in_flight(
    app: APIFlask, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in a view is counted as a 500, and the request does not stay in flight."""

    def break_down() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(app.extensions["served_model"], "get", break_down)
    labels = {"route": "/v1/model", "status": "500", "method": "GET"}
    before = app.test_client().get("/metrics").text
    assert app.test_client().get("/v1/model", headers=headers).status_code == 500
    after = app.test_client().get("/metrics").text
    total = "pneumonia_api_requests_total"
    assert read_value(after, total, **labels) == (find_value(before, total, **labels) or 0) + 1
    assert read_value(after, "pneumonia_api_requests_in_flight") == 0


def test_scrapes_are_no_requests(app: APIFlask, client: redis.Redis) -> None:
    """They would outnumber everything else."""
    for _ in range(2):
        text = app.test_client().get("/metrics").text
    assert "/metrics" not in text
