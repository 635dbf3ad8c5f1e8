"""The routes of reports: who gets one, of which X-rays, and what it may not have."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from apiflask import APIFlask

from pneumonia_api import files
from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayRecord, new_xray
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.report.drawing import drawing
from tests.pneumonia_api.report.poppler import read_text
from tests.pneumonia_api.report.read_xrays import film, make_read

needs_poppler = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="poppler-utils, which reads the PDF, is not installed"
)


@pytest.fixture
def xray(app: APIFlask) -> XrayRecord:
    """A stored X-ray that was judged, with its film."""
    xray = replace(make_read(), readings=(), review=None)
    app.extensions["xrays"].add(xray)
    app.extensions["images"].write_preview(xray.id, film())
    return xray


@pytest.fixture
def worker(app: APIFlask, client: redis.Redis) -> Iterator[None]:
    """One that draws."""
    with drawing(client, app.extensions["images"]):
        yield


def read(call: Call, user: str, xray: XrayRecord, label: str = "pneumonia") -> None:
    """Read it."""
    path = f"/v1/xrays/{xray.id}/review"
    assert call(user, "PUT", path, json={"label": label}).status_code == 200


def get_text(call: Call, user: str, path: str, folder: Path) -> str:
    """The text of a report."""
    answer = call(user, "GET", path)
    assert answer.status_code == 200, answer.json
    assert answer.content_type == "application/pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    file = folder / "report.pdf"
    file.write_bytes(answer.data)
    return read_text(file)


@needs_poppler
@pytest.mark.usefixtures("worker")
def test_read_xray_has_a_pdf(call: Call, xray: XrayRecord, tmp_path: Path) -> None:
    """Its name has only the end of the id; its language is asked for, else the reader's own."""
    read(call, "ann", xray)
    path = f"/v1/xrays/{xray.id}/report.pdf"
    name = f'attachment; filename="xray-{xray.id[-8:]}.pdf"'
    assert call("ann", "GET", path).headers["Content-Disposition"] == name
    assert "Pneumonia likely" in get_text(call, "ann", path, tmp_path)
    assert "Pneumonie wahrscheinlich" in get_text(call, "ann", f"{path}?language=de", tmp_path)
    assert "Pneumonia likely" in get_text(call, "machine", path, tmp_path)


@needs_poppler
@pytest.mark.usefixtures("worker")
def test_report_is_in_the_language_that_its_reader_chose(
    app: APIFlask, call: Call, xray: XrayRecord, tmp_path: Path
) -> None:
    """For the pages; a machine has none."""
    app.extensions["accounts"].set_language("ann", "de")
    read(call, "ann", xray)
    path = f"/v1/xrays/{xray.id}/report.pdf"
    assert "Pneumonie wahrscheinlich" in get_text(call, "ann", path, tmp_path)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("form", ["pdf", "fhir.json", "csv"])
def test_only_a_read_xray_has_a_report(app: APIFlask, call: Call, form: str) -> None:
    """Not one that waits, that nobody has read, whose reading was withdrawn, or that is gone."""
    queued, judged = new_xray("doctor", "d1"), done(new_xray("doctor", "d2"))
    for each in (queued, judged):
        app.extensions["xrays"].add(each)
        check_error(call("ann", "GET", f"/v1/xrays/{each.id}/report.{form}"), 409, "not_reported")
    read(call, "ann", judged)
    withdrawal = {"label": "withdrawn", "seen": 1}
    call("ann", "POST", f"/v1/xrays/{judged.id}/readings", json=withdrawal)
    check_error(call("ann", "GET", f"/v1/xrays/{judged.id}/report.{form}"), 409, "not_reported")
    call("lead", "DELETE", f"/v1/xrays/{judged.id}")
    check_error(call("ann", "GET", f"/v1/xrays/{judged.id}/report.{form}"), 404, "no_such_xray")


@pytest.mark.parametrize("form", ["pdf", "fhir.json", "csv"])
def test_who_reads_first_gets_no_report_before(
    app: APIFlask, call: Call, xray: XrayRecord, form: str
) -> None:
    """Of another's reading: it has the result, and what the other thinks."""
    app.extensions["accounts"].set_reads_first("ann", True)
    read(call, "lead", xray)
    path = f"/v1/xrays/{xray.id}/report.{form}"
    check_error(call("ann", "GET", path), 403, "read_first")
    with drawing(app.extensions["redis"], app.extensions["images"]):
        assert call("lead", "GET", path).status_code == 200
        read(call, "ann", xray, "normal")
        assert call("ann", "GET", path).status_code == 200


@needs_poppler
@pytest.mark.usefixtures("worker")
def test_silent_weeks_withhold_the_result_from_people(
    call: Call, xray: XrayRecord, tmp_path: Path
) -> None:
    """Their report has the reading alone; that of a machine has everything."""
    read(call, "ann", xray)
    assert call("lead", "POST", "/v1/site/silent", json={"silent": True}).status_code == 204
    path = f"/v1/xrays/{xray.id}/report.pdf"
    text = get_text(call, "ann", path, tmp_path)
    assert "Silent weeks" in text
    for told in ("91 %", "likely", "agrees"):
        assert told not in text
    assert "91 %" in get_text(call, "machine", path, tmp_path)


def test_without_a_worker_the_caller_is_told_to_come_back(
    call: Call, client: redis.Redis, xray: XrayRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody draws it later, when nobody waits for it."""
    monkeypatch.setattr(files, "DRAW_SECONDS", 0.2)
    read(call, "ann", xray)
    answer = call("ann", "GET", f"/v1/xrays/{xray.id}/report.pdf")
    check_error(answer, 503, "no_report_now")
    assert answer.headers["Retry-After"] == "30"
    assert client.llen(keys.ORDERS) == 0


@pytest.mark.usefixtures("worker")
def test_report_without_its_film_is_not_made(app: APIFlask, call: Call, xray: XrayRecord) -> None:
    """The caller is told at once, and the next order is drawn."""
    read(call, "ann", xray)
    app.extensions["images"].delete_pictures(xray.id)
    path = f"/v1/xrays/{xray.id}/report.pdf"
    check_error(call("ann", "GET", path), 503, "no_report_now")
    app.extensions["images"].write_preview(xray.id, film())
    assert call("ann", "GET", path).status_code == 200


def test_unknown_language_is_refused(call: Call, xray: XrayRecord) -> None:
    """By name, as any other invalid value."""
    answer = call("ann", "GET", f"/v1/xrays/{xray.id}/report.pdf?language=fr")
    check_error(answer, 422, "invalid_request")


@pytest.mark.usefixtures("worker")
def test_drawn_reports_do_not_stay_in_redis(
    call: Call, client: redis.Redis, xray: XrayRecord
) -> None:
    """The caller takes it; nothing of it is left."""
    read(call, "ann", xray)
    assert call("ann", "GET", f"/v1/xrays/{xray.id}/report.pdf").status_code == 200
    assert client.keys(keys.drawn("*")) == []
    assert client.keys(keys.ORDERS) == []
