"""The HTTP API, version 1: clinicians' own readings of X-rays that are done."""

from datetime import UTC, datetime
from typing import TypedDict

from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api import reading_schemas, schemas
from pneumonia_api.auth import bearer
from pneumonia_api.records.readings import WITHDRAWN
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.reviews import NewReading, Reviews
from pneumonia_api.records.sent import check_key
from pneumonia_api.request import check_body, check_query

readings = APIBlueprint("readings", __name__, url_prefix="/v1/xrays/<xray_id>", tag="V1")
readings.before_request(check_body)
readings.before_request(check_query)


class Entry(TypedDict):
    """The content of `reading_schemas.NewReadingSchema`."""

    label: str
    note: str
    seen: int
    ai: str | None
    undoes: int | None
    seconds: float | None


class Reopening(TypedDict):
    """The content of `reading_schemas.ReopeningSchema`."""

    number: int
    note: str
    seen: int


def _reviews() -> Reviews:
    return current_app.extensions["reviews"]


@readings.post("/readings")
@readings.auth_required(bearer)
@readings.input(reading_schemas.ReadingHeadersSchema, location="headers", arg_name="headers")
@readings.input(reading_schemas.NewReadingSchema, arg_name="entry")
@readings.output(schemas.XraySchema, status_code=201)
@readings.doc(
    responses={
        201: "Recorded, now or earlier with the same idempotency key.",
        404: "No such X-ray.",
        409: "`read_meanwhile`: it has a reading that the reader was not shown; get the X-ray and "
        "show it. Or it has no prediction yet, no reading to withdraw, or too many readings.",
        422: "An invalid value, or an idempotency key used for another reading.",
    }
)
def add_reading(xray_id: str, headers: dict[str, str | None], entry: Entry) -> XrayRecord:
    """Add the reader's own reading of an X-ray that is done, or withdraw it.

    Earlier readings stay in the list.
    """
    key = check_key(headers["key"])
    new = NewReading(**entry, key=key)
    reader = str(bearer.current_user)
    return _reviews().append(xray_id, new, reader=reader, at=datetime.now(UTC))


@readings.post("/reopenings")
@readings.auth_required(bearer)
@readings.input(reading_schemas.ReadingHeadersSchema, location="headers", arg_name="headers")
@readings.input(reading_schemas.ReopeningSchema, arg_name="reopening")
@readings.output(schemas.XraySchema, status_code=201)
@readings.doc(
    responses={
        404: "No such X-ray.",
        409: "`read_meanwhile`, as for a new reading; or `nothing_to_withdraw`: the reading does "
        "not stand, or is the caller's own, which they withdraw as a reader.",
    }
)
def reopen(xray_id: str, headers: dict[str, str | None], reopening: Reopening) -> XrayRecord:
    """Take back another reader's reading, so that the X-ray is read again; for leads.

    The reading stays in the list, and so does who took it back and when.
    """
    new = NewReading(
        WITHDRAWN,
        reopening["note"],
        seen=reopening["seen"],
        reopens=reopening["number"],
        key=check_key(headers["key"]),
    )
    lead = str(bearer.current_user)
    return _reviews().append(xray_id, new, reader=lead, at=datetime.now(UTC))


@readings.put("/review")
@readings.auth_required(bearer)
@readings.input(reading_schemas.NewReviewSchema, arg_name="review")
@readings.output(schemas.XraySchema)
@readings.doc(responses={404: "No such X-ray.", 409: "It has no prediction yet."})
def review_xray(xray_id: str, review: dict[str, str]) -> XrayRecord:
    """Add the reader's own reading without regard to readings that others gave meanwhile."""
    reader = str(bearer.current_user)
    return _reviews().put(xray_id, **review, reader=reader, at=datetime.now(UTC))
