"""The HTTP API without a worker: authentication, refusals, guarantees."""

import contextlib
import hashlib
import io
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from apiflask import APIFlask
from PIL import Image
from werkzeug.test import TestResponse

from pneumonia_api.app import create_app
from pneumonia_api.config import MAX_WAITERS, ConfigError
from pneumonia_api.records.record import new_xray
from pneumonia_api.views import TooManyPixels, UnsupportedImage, check_upload
from tests.model.reading.hostile import HOSTILE, make_hostile
from tests.pneumonia_api.errors import check_error
from tests.pneumonia_api.full_disk import full_disk
from tests.pneumonia_api.records.judged import done
from tests.stack import ROOT

Post = Callable[..., TestResponse]


@pytest.fixture
def post(app: APIFlask, headers: dict[str, str]) -> Post:
    """Upload bytes under a file name."""

    def upload(data: bytes, query: str = "", **form: Any) -> TestResponse:
        body = {"xray": (io.BytesIO(data), "xray.jpg"), **form}
        return app.test_client().post(f"/v1/xrays{query}", data=body, headers=headers)

    return upload


def picture(kind: str = "JPEG", side: int = 300) -> bytes:
    """A small valid image."""
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((side, side)).save(buffer, kind)
    return buffer.getvalue()


def test_upload_is_accepted_before_it_is_judged(app: APIFlask, post: Post) -> None:
    """202, a queued record, and the bytes kept for the worker."""
    response = post(picture(), reference="Study 7")
    assert response.status_code == 202
    record = response.json
    assert set(record) == {
        *("id", "status", "source", "created_at", "reference"),
        *("prediction", "quality", "reason", "review", "readings", "scope", "outcomes", "view"),
        *("device", "burned_in", "in_study"),
        "transmission",
        "silent",
    }
    assert record["status"] == "queued"
    assert record["source"] == "machine"
    assert record["reference"] == "Study 7"
    assert record["prediction"] is None
    assert app.extensions["images"].read_incoming(record["id"]) == picture()


def test_wait_that_runs_out_answers_202(post: Post) -> None:
    """The record is accepted and still queued."""
    response = post(picture(), "?wait=0.2")
    assert response.status_code == 202
    assert response.json["status"] == "queued"


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "empty_file"),
        (b"just some text", 415, "unsupported_image"),
        (picture("GIF"), 415, "unsupported_image"),
        (picture("PNG")[:20], 415, "unsupported_image"),
        (picture("PNG")[:12], 415, "unsupported_image"),
        (picture("JPEG")[:40], 415, "unsupported_image"),
        (picture("TIFF")[:40], 415, "unsupported_image"),
        (bytes(2000), 415, "unsupported_image"),
    ],
)
def test_what_cannot_be_an_xray_is_refused_at_once(
    post: Post, data: bytes, status: int, code: str
) -> None:
    """By content, whatever the file is called."""
    check_error(post(data), status, code)


@pytest.mark.parametrize(
    "data",
    [picture("PNG"), picture("TIFF"), bytes(128) + b"DICM" + bytes(99), b"\x08\x00" + bytes(99)],
    ids=["PNG", "TIFF", "DICOM", "DICOM without preamble"],
)
def test_what_can_be_an_xray_is_accepted(post: Post, data: bytes) -> None:
    """Only the worker can decide whether a DICOM file is readable."""
    assert post(data).status_code == 202


@pytest.mark.parametrize("name", [name for name in HOSTILE if not name.startswith("dicom")])
def test_hostile_header_is_accepted_or_refused(app: APIFlask, name: str) -> None:
    """Left to the worker's cage, or refused by what the API knows: nothing else is raised."""
    with app.app_context(), contextlib.suppress(TooManyPixels, UnsupportedImage):
        check_upload(make_hostile(name))


def test_api_has_no_decoder_in_its_process() -> None:
    """The API loads neither Pillow nor pydicom, numpy nor a codec, so none can be attacked."""
    script = "import sys, pneumonia_api.app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"PIL", "pydicom", "pylibjpeg", "numpy"} & set(done.stdout.split())


@pytest.mark.parametrize("side", [8_000, 20_000])
def test_pixel_bomb_is_refused_by_its_header(post: Post, side: int) -> None:
    """64 or 400 megapixels in a small file: 413, nothing decoded."""
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    check_error(post(buffer.getvalue()), 413, "too_many_pixels")


def test_wrong_field_and_wrong_wait_are_named(
    app: APIFlask, post: Post, headers: dict[str, str]
) -> None:
    """422 with a sentence that says which value to change."""
    wrong = app.test_client().post(
        "/v1/xrays", data={"file": (io.BytesIO(picture()), "a.jpg")}, headers=headers
    )
    check_error(wrong, 422, "invalid_request")
    assert '"xray"' in wrong.json["error"]["message"]
    for query in ("?wait=31", "?wait=soon", "?wait=-1"):
        check_error(post(picture(), query), 422, "invalid_request")
    empty = app.test_client().post("/v1/xrays", headers=headers)
    check_error(empty, 422, "invalid_request")


def test_full_queue_answers_503_with_retry_after(post: Post) -> None:
    """The fourth is refused while three wait, with a time to retry."""
    for _ in range(3):
        assert post(picture()).status_code == 202
    response = post(picture())
    check_error(response, 503, "queue_full")
    assert response.headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/xrays"),
        ("GET", "/v1/xrays"),
        ("GET", "/v1/xrays/1"),
        ("GET", "/v1/xrays/1/preview"),
        ("GET", "/v1/xrays/1/film"),
        ("PUT", "/v1/xrays/1/review"),
        ("POST", "/v1/xrays/1/readings"),
        ("POST", "/v1/xrays/1/restore"),
        ("GET", "/v1/deletions"),
        ("DELETE", "/v1/xrays/1"),
        ("GET", "/v1/model"),
        ("DELETE", "/v1/sessions/current"),
    ],
)
@pytest.mark.parametrize(
    "token", [None, "Bearer wrong", "Basic key-of-the-test", "Bearer \xe9", "Basic \xe9"]
)
def test_nothing_opens_without_a_token(
    app: APIFlask, method: str, path: str, token: str | None
) -> None:
    """401 on every route of /v1 but log-in."""
    headers = {"Authorization": token} if token else {}
    response = app.test_client().open(path, method=method, headers=headers)
    check_error(response, 401, "not_logged_in")


def test_unknown_things_are_404_and_wrong_methods_405(
    app: APIFlask, headers: dict[str, str]
) -> None:
    """Also for ids that try to leave their folder."""
    web = app.test_client()
    check_error(web.get("/v1/xrays/none", headers=headers), 404, "no_such_xray")
    check_error(web.get("/v1/xrays/none?wait=1", headers=headers), 404, "no_such_xray")
    check_error(web.delete("/v1/xrays/none", headers=headers), 404, "no_such_xray")
    check_error(web.get("/v1/xrays/..%2f..%2fetc/preview", headers=headers), 404, "not_found")
    check_error(web.get("/nothing"), 404, "not_found")
    check_error(web.put("/v1/xrays", headers=headers), 405, "method_not_allowed")


def test_wrong_method_names_the_right_ones(app: APIFlask, headers: dict[str, str]) -> None:
    """405 with Allow, as HTTP requires."""
    answer = app.test_client().put("/v1/xrays", headers=headers)
    assert "POST" in answer.headers["Allow"]


def test_delete_while_queued_forgets_the_bytes(
    app: APIFlask, post: Post, headers: dict[str, str]
) -> None:
    """204, then 404, and no image remains."""
    xray_id = post(picture()).json["id"]
    web = app.test_client()
    preview = web.get(f"/v1/xrays/{xray_id}/preview", headers=headers)
    check_error(preview, 404, "no_preview")
    assert web.delete(f"/v1/xrays/{xray_id}", headers=headers).status_code == 204
    check_error(web.get(f"/v1/xrays/{xray_id}", headers=headers), 404, "no_such_xray")
    with pytest.raises(LookupError):
        app.extensions["images"].read_incoming(xray_id)


def test_readiness_knows_redis_and_the_worker(app: APIFlask, client: redis.Redis) -> None:
    """Alive is not ready: ready needs a warm worker."""
    web = app.test_client()
    assert web.get("/livez").status_code == 200
    unready = web.get("/readyz")
    assert unready.status_code == 503
    assert unready.json == {"status": "unready", "redis": True, "worker": False}
    app.extensions["workers"].beat("celery@host")
    assert web.get("/readyz").status_code == 200
    client.flushall()
    assert web.get("/readyz").status_code == 503


def test_lost_redis_is_503_everywhere_and_keeps_nothing(tmp_path: Path) -> None:
    """Without Redis nothing is accepted, no patient data remains, and the process survives."""
    app = create_app(
        {"REDIS_URL": "redis://127.0.0.1:1/0", "API_KEY": "k", "IMAGE_STORE": tmp_path.as_uri()}
    )
    web = app.test_client()
    body = {"xray": (io.BytesIO(picture()), "xray.jpg")}
    answer = web.post("/v1/xrays", data=body, headers={"Authorization": "Bearer k"})
    check_error(answer, 503, "store_unavailable")
    assert answer.headers["Retry-After"] == "30"
    assert list_images(tmp_path) == []
    assert web.get("/readyz").json == {"status": "unready", "redis": False, "worker": False}
    assert web.get("/livez").status_code == 200


def list_images(folder: Path) -> list[Path]:
    """Every file in the image store."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_full_image_store_is_503_and_keeps_nothing(
    app: APIFlask, post: Post, client: redis.Redis, tmp_path: Path
) -> None:
    """No record, no part of a file, and a Retry-After."""
    buffer = io.BytesIO()
    Image.effect_noise((400, 400), 60).save(buffer, "PNG")
    with full_disk():
        answer = post(buffer.getvalue())
    check_error(answer, 503, "images_unavailable")
    assert answer.headers["Retry-After"] == "30"
    assert client.keys("*") == ["audit"]
    assert list_images(tmp_path) == []
    assert post(buffer.getvalue()).status_code == 202


def test_broken_image_store_is_503_and_a_delete_can_be_repeated(
    app: APIFlask, post: Post, headers: dict[str, str], tmp_path: Path
) -> None:
    """The record stays as long as its images could not be deleted."""
    path = f"/v1/xrays/{post(picture()).json['id']}"
    web = app.test_client()
    away = (tmp_path / "incoming").rename(tmp_path / "away")
    for folder in ("incoming", "previews"):
        (tmp_path / folder).write_text("in the way")
    check_error(web.get(f"{path}/preview", headers=headers), 503, "images_unavailable")
    check_error(web.delete(path, headers=headers), 503, "images_unavailable")
    for folder in ("incoming", "previews"):
        (tmp_path / folder).unlink()
    away.rename(tmp_path / "incoming")
    assert web.delete(path, headers=headers).status_code == 204
    assert list_images(tmp_path) == []


def test_redis_that_fills_up_during_an_upload_keeps_nothing(
    app: APIFlask, post: Post, client: redis.Redis, tmp_path: Path
) -> None:
    """Neither the upload nor, for known bytes, the second preview."""
    client.config_set("maxmemory", 1)
    try:
        check_error(post(picture()), 503, "store_unavailable")
    finally:
        client.config_set("maxmemory", 0)
    assert list_images(tmp_path) == []

    data = picture()
    xrays, images = app.extensions["xrays"], app.extensions["images"]
    app.extensions["served_model"].announce({"version": "m1"})
    judged = done(new_xray("machine", hashlib.sha256(data).hexdigest()))
    xrays.add(judged)
    images.write_preview(judged.id, b"jpeg\xff\xd9")
    client.config_set("maxmemory", 1)
    try:
        check_error(post(data), 503, "store_unavailable")
    finally:
        client.config_set("maxmemory", 0)
    assert images.list_names() == [f"previews/{judged.id}.jpg"]
    assert post(data).status_code == 200


def test_waiting_requests_leave_threads_to_others(
    app: APIFlask, post: Post, client: redis.Redis, headers: dict[str, str]
) -> None:
    """Once the maximum of requests wait, the next is answered at once with the current record."""
    xray_id = post(picture()).json["id"]
    path = f"/v1/xrays/{xray_id}?wait=30"
    with ThreadPoolExecutor(MAX_WAITERS) as pool:
        held = [
            pool.submit(app.test_client().get, path, headers=headers) for _ in range(MAX_WAITERS)
        ]
        for _ in range(300):
            if client.info("clients")["blocked_clients"] == MAX_WAITERS:
                break
            time.sleep(0.05)
        assert app.test_client().get(path, headers=headers).json["status"] == "queued"
        assert post(picture(), "?wait=30").status_code == 202
        assert not any(each.done() for each in held)
        app.test_client().delete(path, headers=headers)
        for each in held:
            check_error(each.result(), 404, "no_such_xray")


def test_worklist_filters_are_checked(app: APIFlask, post: Post, headers: dict[str, str]) -> None:
    """`reviewed` is applied, and an invalid value is named in the error."""
    xray_id = post(picture()).json["id"]
    web = app.test_client()
    assert web.get("/v1/xrays?reviewed=true", headers=headers).json["xrays"] == []
    page = web.get("/v1/xrays?reviewed=false", headers=headers).json
    assert [xray["id"] for xray in page["xrays"]] == [xray_id]
    counts = {"to_review": 0, "uncertain": 0, "needs_person": 0, "all": 1, "queued": 1}
    assert page["counts"] == counts
    for query in (
        *("reviewed=maybe", "status=new", "decision=ill", "limit=0", "limit=x"),
        *("tab=mine", "shown=normal", "sort=best"),
    ):
        answer = web.get(f"/v1/xrays?{query}", headers=headers)
        check_error(answer, 422, "invalid_request")
        assert query.partition("=")[0] in answer.json["error"]["message"]
    check_error(web.get("/v1/xrays?sort=suspicion", headers=headers), 422, "no_order")


def test_worklist_carries_no_heat_maps(
    app: APIFlask, client: redis.Redis, headers: dict[str, str]
) -> None:
    """They are most of a record, and only the single record's page draws one. Nor any readings."""
    xray = done(new_xray("machine", "digest"))
    app.extensions["xrays"].add(xray)
    web = app.test_client()
    single = web.get(f"/v1/xrays/{xray.id}", headers=headers).json
    assert single["prediction"]["heatmap"] == [[0.0, 1.0]]
    (listed,) = web.get("/v1/xrays", headers=headers).json["xrays"]
    assert single["prediction"].pop("heatmap")
    assert single.pop("readings") == single.pop("outcomes") == []
    assert single.pop("transmission") is None
    assert listed == single


def test_answers_are_not_stored(
    app: APIFlask, client: redis.Redis, headers: dict[str, str]
) -> None:
    """Records, pages of the worklist and refusals stay out of the caches of proxies."""
    xray = done(new_xray("machine", "digest"))
    app.extensions["xrays"].add(xray)
    web = app.test_client()
    for path in (f"/v1/xrays/{xray.id}", "/v1/xrays", "/v1/xrays/missing", "/v1/model"):
        assert web.get(path, headers=headers).headers["Cache-Control"] == "no-store", path
    assert web.get("/v1/xrays").headers["Cache-Control"] == "no-store"


def test_openapi_lists_every_route(app: APIFlask) -> None:
    """The description comes from the code and needs no log-in."""
    spec = app.test_client().get("/openapi.json").json
    assert set(spec["paths"]) == {
        "/dicomweb/studies",
        "/v1/xrays",
        "/v1/xrays/{xray_id}",
        "/v1/xrays/{xray_id}/outcomes",
        "/v1/xrays/{xray_id}/preview",
        "/v1/xrays/{xray_id}/thumbnail",
        "/v1/xrays/{xray_id}/film",
        "/v1/xrays/{xray_id}/readings",
        "/v1/xrays/{xray_id}/report.csv",
        "/v1/xrays/{xray_id}/report.fhir.json",
        "/v1/xrays/{xray_id}/report.pdf",
        "/v1/xrays/{xray_id}/report.gsps.dcm",
        "/v1/xrays/{xray_id}/report.pm.dcm",
        "/v1/xrays/{xray_id}/report.sc.dcm",
        "/v1/xrays/{xray_id}/report.sr.dcm",
        "/v1/xrays/{xray_id}/reopenings",
        "/v1/xrays/{xray_id}/restore",
        "/v1/xrays/{xray_id}/review",
        "/v1/deletions",
        "/v1/people",
        "/v1/people/disabled",
        "/v1/people/ended-sessions",
        "/v1/people/links",
        "/v1/people/roles",
        "/v1/people/removed-factors",
        "/v1/links",
        "/v1/sessions/second-factor",
        "/v1/sessions/oidc",
        "/v1/sessions/oidc/code",
        "/v1/sessions/current/second-factor",
        "/v1/sessions/current/second-factor/removal",
        "/v1/site/second-factor",
        "/v1/sessions/current/password",
        "/v1/audit",
        "/v1/audit.csv",
        "/v1/keys",
        "/v1/keys/{name}",
        "/v1/model",
        "/v1/reader-study",
        "/v1/models",
        "/v1/models/candidate",
        "/v1/models/promotion",
        "/v1/models/return",
        "/v1/reviews.csv",
        "/v1/sessions",
        "/v1/acceptance",
        "/v1/acceptance/plan",
        "/v1/acceptance/report.pdf",
        "/v1/acceptance/profile",
        "/v1/acceptance/profiles",
        "/v1/site",
        "/v1/site/prevalence",
        "/v1/site/silent",
        "/v1/sessions/current",
        "/v1/sessions/current/preferences",
    }
    assert "heatmap" in spec["components"]["schemas"]["Prediction"]["properties"]
    label = spec["components"]["schemas"]["NewReview"]["properties"]["label"]
    assert label["enum"] == ["pneumonia", "normal", "unsure"]
    assert "bearer" in spec["components"]["securitySchemes"]


def test_metrics_name_routes_by_template(app: APIFlask, headers: dict[str, str]) -> None:
    """Numbers for operations, without an id in any label."""
    web = app.test_client()
    web.get("/v1/xrays/0123456789abcdef", headers=headers)
    text = web.get("/metrics").text
    assert 'pneumonia_api_requests_total{method="GET",route="/v1/xrays/<xray_id>"' in text
    assert "0123456789abcdef" not in text


def test_required_settings_have_no_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It dies at start and names what is missing."""
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    with pytest.raises(ConfigError, match="REDIS_URL"):
        create_app({"API_KEY": "k"})
    with pytest.raises(ConfigError, match="API_KEY"):
        create_app({"REDIS_URL": "redis://127.0.0.1:1/0"})
    with pytest.raises(ConfigError, match="MAX_QUEUED"):
        create_app({"REDIS_URL": "redis://127.0.0.1:1/0", "API_KEY": "k", "MAX_QUEUED": "0"})
    with pytest.raises(ConfigError, match="API_PORT"):
        create_app({"REDIS_URL": "redis://127.0.0.1:1/0", "API_KEY": "k", "API_PORT": "70000"})
