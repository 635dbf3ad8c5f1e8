"""Reports of a read X-ray, to print and to file."""

from flask import Blueprint, Response, make_response

from pneumonia_web.api_client import ApiError
from pneumonia_web.blinding import judge_for_reader
from pneumonia_web.language import N_, find_language
from pneumonia_web.views import api, logged_in

reports = Blueprint("reports", __name__)


@reports.get("/xrays/<xray_id>/report.pdf")
@logged_in
def pdf(token: str, xray_id: str) -> Response:
    """The report of one page, in the language of the pages.

    The API refuses it to a person who has chosen to read first, and the site may have chosen that
    for everybody, of which only the pages know.
    """
    xray = api().read(token, xray_id)
    if xray["status"] == "done" and judge_for_reader(xray).hidden:
        sentence = N_("You see AI results after your own reading; read this X-ray first.")
        raise ApiError(403, "read_first", sentence)
    body = api().read_report(token, xray_id, "pdf", find_language())
    return answer_pdf(body, f"xray-{xray_id[-8:]}.pdf")


def answer_pdf(body: bytes, name: str) -> Response:
    """A PDF, for the browser to save as `name`."""
    response = make_response(body)
    response.content_type = "application/pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
