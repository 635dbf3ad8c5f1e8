"""Reports of a read X-ray, to print and to file."""

from flask import Blueprint, Response, abort, make_response

from pneumonia_web.api_client import ApiError
from pneumonia_web.blinding import judge_for_reader
from pneumonia_web.language import N_, find_language
from pneumonia_web.views import api, logged_in

reports = Blueprint("reports", __name__)

FOR_SYSTEMS = {
    "sr.dcm": "application/dicom",
    "sc.dcm": "application/dicom",
    "gsps.dcm": "application/dicom",
    "pm.dcm": "application/dicom",
    "fhir.json": "application/fhir+json",
    "csv": "text/csv; charset=utf-8",
}
"""The media types of the forms that a report has for other systems."""


@reports.get("/xrays/<xray_id>/report.pdf")
@logged_in
def pdf(token: str, xray_id: str) -> Response:
    """The report of one page, in the language of the pages.

    The API refuses it to a person who has chosen to read first, and the site may have chosen that
    for everybody, of which only the pages know.
    """
    _check_seen(token, xray_id)
    body = api().read_report(token, xray_id, "pdf", find_language())
    return answer_pdf(body, f"xray-{xray_id[-8:]}.pdf")


@reports.get("/xrays/<xray_id>/report.<form>")
@logged_in
def for_systems(token: str, xray_id: str, form: str) -> Response:
    """The report for another system, refused as the PDF is."""
    if form not in FOR_SYSTEMS:
        abort(404)
    _check_seen(token, xray_id)
    body = api().read_report(token, xray_id, form)
    return answer_file(body, FOR_SYSTEMS[form], f"xray-{xray_id[-8:]}{_find_end(form)}")


def _find_end(form: str) -> str:
    """Of the file's name: DICOM has one suffix for all its objects."""
    return f"-{form}" if form.endswith(".dcm") else f".{form}"


def _check_seen(token: str, xray_id: str) -> None:
    """Raises ApiError for who is to read first."""
    xray = api().read(token, xray_id)
    if xray["status"] == "done" and judge_for_reader(xray).hidden:
        sentence = N_("You see AI results after your own reading; read this X-ray first.")
        raise ApiError(403, "read_first", sentence)


def answer_pdf(body: bytes, name: str) -> Response:
    """A PDF, for the browser to save as `name`."""
    return answer_file(body, "application/pdf", name)


def answer_file(body: bytes, kind: str, name: str) -> Response:
    """A file of the media type `kind`, for the browser to save as `name`."""
    response = make_response(body)
    response.content_type = kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
