"""The routes of the DICOM objects of a report, and of those that need the study of the film."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from apiflask import APIFlask
from pydicom import dcmread

from pneumonia_api.records.record import XrayRecord
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error
from tests.pneumonia_api.report.drawing import drawing
from tests.pneumonia_api.report.read_xrays import KEPT, film, make_read

ALONE = ("sr", "sc", "pm")
KINDS = {
    "sr": "Comprehensive 3D SR Storage",
    "sc": "Secondary Capture Image Storage",
    "gsps": "Grayscale Softcopy Presentation State Storage",
    "pm": "Parametric Map Storage",
}


@pytest.fixture
def worker(app: APIFlask, client: redis.Redis) -> Iterator[None]:
    """One that draws."""
    with drawing(client, app.extensions["images"]):
        yield


def add(app: APIFlask, **values: object) -> str:
    """The path of a stored X-ray that was judged, with its film."""
    xray: XrayRecord = replace(make_read(**values), readings=(), review=None)
    app.extensions["xrays"].add(xray)
    app.extensions["images"].write_preview(xray.id, film())
    return f"/v1/xrays/{xray.id}"


def read(call: Call, path: str) -> None:
    """Read it."""
    assert call("ann", "PUT", f"{path}/review", json={"label": "pneumonia"}).status_code == 200


@pytest.mark.usefixtures("worker")
def test_film_of_a_known_study_has_every_object_in_it(app: APIFlask, call: Call) -> None:
    """Each of its class, in a series of its own, and always of the same UID."""
    path = add(app, references=KEPT)
    read(call, path)
    assert call("ann", "GET", path).json["in_study"] is True
    series = set()
    for form, kind in KINDS.items():
        answer = call("ann", "GET", f"{path}/report.{form}.dcm")
        assert answer.status_code == 200, answer.json
        assert answer.content_type == "application/dicom"
        assert answer.headers["Content-Disposition"].endswith(f'{path[-8:]}-{form}.dcm"')
        found = dcmread(io.BytesIO(answer.data))
        assert (found.SOPClassUID.name, found.StudyInstanceUID) == (kind, "1.2.3.1")
        again = dcmread(io.BytesIO(call("machine", "GET", f"{path}/report.{form}.dcm").data))
        assert again.SOPInstanceUID == found.SOPInstanceUID
        series.add(found.SeriesInstanceUID)
    assert len(series) == len(KINDS)


@pytest.mark.usefixtures("worker")
def test_film_of_no_known_study_has_all_but_the_presentation_state(
    app: APIFlask, call: Call
) -> None:
    """In one study of their own; of a presentation state it is said why there is none."""
    path = add(app)
    read(call, path)
    assert call("ann", "GET", path).json["in_study"] is False
    check_error(call("ann", "GET", f"{path}/report.gsps.dcm"), 409, "study_unknown")
    found = [
        dcmread(io.BytesIO(call("ann", "GET", f"{path}/report.{form}.dcm").data)) for form in ALONE
    ]
    assert len({each.StudyInstanceUID for each in found}) == 1


@pytest.mark.parametrize("form", KINDS)
def test_withheld_result_goes_to_no_other_system(app: APIFlask, call: Call, form: str) -> None:
    """Before it is read there is none, and of a withheld result there never is."""
    path = add(app, references=KEPT, warnings=("Blurred.",))
    check_error(call("ann", "GET", f"{path}/report.{form}.dcm"), 409, "not_reported")
    read(call, path)
    check_error(call("ann", "GET", f"{path}/report.{form}.dcm"), 409, "result_withheld")


@pytest.mark.parametrize("form", KINDS)
def test_who_reads_first_gets_none_before(app: APIFlask, call: Call, form: str) -> None:
    """Of another's reading."""
    app.extensions["accounts"].set_reads_first("lead", True)
    path = add(app, references=KEPT)
    read(call, path)
    check_error(call("lead", "GET", f"{path}/report.{form}.dcm"), 403, "read_first")
