"""The routes of deletions: delete, restore, and the list of what can be restored."""

from datetime import datetime, timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.roles import Role
from tests.pneumonia_api.errors import check_error
from tests.pneumonia_api.records.judged import done


@pytest.fixture
def judged(app: APIFlask) -> XrayRecord:
    """A stored X-ray with its preview."""
    xray = done(new_xray("doctor", "d1", "Study 7"))
    app.extensions["xrays"].add(xray)
    app.extensions["images"].write_preview(xray.id, b"jpeg\xff\xd9")
    return xray


@pytest.fixture
def web(app: APIFlask) -> FlaskClient:
    """Who calls the API."""
    return app.test_client()


def log_in(app: APIFlask, user: str) -> dict[str, str]:
    """The headers of a person."""
    app.extensions["accounts"].set_password(user, "correct horse")
    token = app.extensions["accounts"].log_in(user, "correct horse", "127.0.0.1")
    return {"Authorization": f"Bearer {token}"}


def test_deleted_xray_can_be_restored_by_who_deleted_it(
    app: APIFlask, web: FlaskClient, headers: dict[str, str], judged: XrayRecord
) -> None:
    """Meanwhile record and preview answer 404, and only the person's own list has it."""
    ann, path = log_in(app, "ann"), f"/v1/xrays/{judged.id}"
    before = web.get(path, headers=ann).json
    assert web.delete(path, headers=ann).status_code == 204
    for call in (path, f"{path}/preview"):
        check_error(web.get(call, headers=ann), 404, "no_such_xray")
    check_error(web.delete(path, headers=headers), 404, "no_such_xray")
    [listed] = web.get("/v1/deletions", headers=ann).json["xrays"]
    assert listed["id"] == judged.id
    at, until = (datetime.fromisoformat(listed["deletion"][name]) for name in ("at", "until"))
    assert until - at == timedelta(days=7)
    assert web.get("/v1/deletions", headers=headers).json == {"xrays": []}
    check_error(web.post(f"{path}/restore", headers=headers), 403, "deleted_by_another")
    for _ in range(2):
        restored = web.post(f"{path}/restore", headers=ann)
        assert restored.status_code == 200
        assert restored.json == before == web.get(path, headers=ann).json
    assert web.get(f"{path}/preview", headers=ann).data == b"jpeg\xff\xd9"


def test_what_never_was_cannot_be_restored(
    web: FlaskClient, headers: dict[str, str], judged: XrayRecord
) -> None:
    """404, as for every other call."""
    check_error(web.post(f"/v1/xrays/{'0' * 32}/restore", headers=headers), 404, "no_such_xray")


def test_a_lead_restores_what_another_deleted(
    app: APIFlask, web: FlaskClient, judged: XrayRecord
) -> None:
    """Their list has everybody's and says who it was; a clinician deletes nothing."""
    ann, lead = log_in(app, "ann"), log_in(app, "lead")
    path = f"/v1/xrays/{judged.id}"
    assert web.delete(path, headers=ann).status_code == 204
    [listed] = web.get("/v1/deletions", headers=lead).json["xrays"]
    assert (listed["id"], listed["deletion"]["by"]) == (judged.id, "ann")
    assert web.post(f"{path}/restore", headers=lead).status_code == 200
    assert web.get(path, headers=ann).status_code == 200
    app.extensions["accounts"].set_roles("ann", [Role.CLINICIAN])
    token = app.extensions["accounts"].log_in("ann", "correct horse", "127.0.0.1")
    clinician = {"Authorization": f"Bearer {token}"}
    check_error(web.delete(path, headers=clinician), 403, "not_allowed")
    assert web.get(path, headers=clinician).status_code == 200
