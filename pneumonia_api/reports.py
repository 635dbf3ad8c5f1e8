"""The HTTP API, version 1: reports of an X-ray that was judged and read."""

import json
from typing import Any

from apiflask import APIBlueprint, FileSchema
from flask import Response, current_app

from monitoring.logs.requests import note
from pneumonia_api import report_schemas, silence
from pneumonia_api.accounts import LANGUAGES, Accounts
from pneumonia_api.auth import bearer
from pneumonia_api.files import answer_file, have_drawn
from pneumonia_api.records.desk import Order
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.site import Site
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.report.fhir import describe
from pneumonia_api.report.gathering import (
    ReadFirst,
    Report,
    ResultWithheld,
    StudyUnknown,
    gather,
)
from pneumonia_api.report.table import write_table
from pneumonia_api.request import check_body, check_query
from pneumonia_api.roles import is_machine

reports = APIBlueprint("reports", __name__, url_prefix="/v1/xrays/<xray_id>", tag="V1")
reports.before_request(check_body)
reports.before_request(check_query)

_REFUSALS: dict[int, Any] = {
    403: "The caller reads before they see AI results, and has not read this X-ray.",
    404: "No such X-ray.",
    409: "It has no prediction yet, or no reading that stands; or what is asked for states the AI "
    "result, which is withheld.",
}


@reports.get("/report.pdf")
@reports.auth_required(bearer)
@reports.input(report_schemas.ReportQuerySchema, location="query", arg_name="query")
@reports.output(FileSchema(), content_type="application/pdf")
@reports.doc(responses={**_REFUSALS, 503: "No worker drew it in time; see Retry-After."})
def read_pdf(xray_id: str, query: dict[str, str | None]) -> Response:
    """The report on one page: film, contours, reading, AI result, what it is worth, limits.

    To people in silent weeks it has no AI result.
    """
    _find(xray_id)
    order = Order(xray_id, "pdf", query["language"] or _find_language(), silence.is_silenced())
    return answer_file(have_drawn(order), "application/pdf", _name(xray_id, ".pdf"))


@reports.get("/report.fhir.json")
@reports.auth_required(bearer)
@reports.output(FileSchema(), content_type="application/fhir+json")
@reports.doc(responses=_REFUSALS)
def read_fhir(xray_id: str) -> Response:
    """The report as FHIR R4: a Bundle of a DiagnosticReport, its Observations and the Device."""
    text = json.dumps(describe(_find(xray_id)), ensure_ascii=False)
    return answer_file(text.encode(), "application/fhir+json", _name(xray_id, ".fhir.json"))


@reports.get("/report.csv")
@reports.auth_required(bearer)
@reports.output(FileSchema(), content_type="text/csv")
@reports.doc(responses=_REFUSALS)
def read_table(xray_id: str) -> Response:
    """The report as a table of one row."""
    text = write_table(_find(xray_id))
    return answer_file(text.encode(), "text/csv; charset=utf-8", _name(xray_id, ".csv"))


@reports.get("/report.sr.dcm")
@reports.auth_required(bearer)
@reports.output(FileSchema(), content_type="application/dicom")
@reports.doc(responses={**_REFUSALS, 503: "No worker made it in time; see Retry-After."})
def read_structured(xray_id: str) -> Response:
    """The report as a DICOM structured report (TID 1500), of the same UIDs for the same reading."""
    return _answer_dicom(xray_id, "sr")


@reports.get("/report.sc.dcm")
@reports.auth_required(bearer)
@reports.output(FileSchema(), content_type="application/dicom")
@reports.doc(responses={**_REFUSALS, 503: "No worker made it in time; see Retry-After."})
def read_capture(xray_id: str) -> Response:
    """The film with the contours as a DICOM secondary capture, to which the structured report
    refers."""
    return _answer_dicom(xray_id, "sc")


@reports.get("/report.gsps.dcm")
@reports.auth_required(bearer)
@reports.output(FileSchema(), content_type="application/dicom")
@reports.doc(
    responses={
        **_REFUSALS,
        409: f"{_REFUSALS[409]} Or it came as no DICOM, or to a site that keeps no reference to "
        "its study.",
        503: "No worker made it in time; see Retry-After.",
    }
)
def read_presentation(xray_id: str) -> Response:
    """The contours as a Grayscale Softcopy Presentation State of the DICOM that was judged."""
    return _answer_dicom(xray_id, "gsps")


@reports.get("/report.pm.dcm")
@reports.auth_required(bearer)
@reports.output(FileSchema(), content_type="application/dicom")
@reports.doc(responses={**_REFUSALS, 503: "No worker made it in time; see Retry-After."})
def read_map(xray_id: str) -> Response:
    """The heat map as a DICOM Parametric Map of the DICOM that was judged, or of the capture."""
    return _answer_dicom(xray_id, "pm")


def _answer_dicom(xray_id: str, kind: str) -> Response:
    report = _find(xray_id)
    if not report.prediction:
        raise ResultWithheld(xray_id)
    if kind == "gsps" and not report.xray.in_study:
        raise StudyUnknown(xray_id)
    drawn = have_drawn(Order(xray_id, f"{kind}.dcm", "en", silence.is_silenced()))
    return answer_file(drawn, "application/dicom", _name(xray_id, f"-{kind}.dcm"))


def _name(xray_id: str, end: str) -> str:
    """The name of a report's file, which has no more of the X-ray than the end of its id."""
    return f"xray-{xray_id[-8:]}{end}"


def _find(xray_id: str) -> Report:
    """What the caller's report states. Raises XrayMissing, NotReported or ReadFirst."""
    xrays: XrayStore = current_app.extensions["xrays"]
    site: Site = current_app.extensions["site"]
    served: ServedModel = current_app.extensions["served_model"]
    xray = xrays.get(xray_id)
    note(xray=xray_id)
    statements = site.list_prevalences()
    report = gather(
        xray,
        silent=silence.is_silenced(),
        prevalence=statements[0] if statements else None,
        model=served.get(),
    )
    _check_has_read(xray)
    return report


def _check_has_read(xray: XrayRecord) -> None:
    """Whoever reads first is told neither the result nor what others have read before."""
    caller = str(bearer.current_user)
    accounts: Accounts = current_app.extensions["accounts"]
    if is_machine(caller) or not accounts.reads_first(caller):
        return
    if caller not in {each.reader for each in xray.readings if not each.reopens}:
        raise ReadFirst(xray.id)


def _find_language() -> str:
    """That which the caller chose for the pages, else English."""
    caller = str(bearer.current_user)
    accounts: Accounts = current_app.extensions["accounts"]
    return (accounts.language(caller) if not is_machine(caller) else "") or LANGUAGES[0]
