"""The HTTP API, version 1: the audit of the last weeks, for admins, whose look is recorded, too."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from apiflask import APIBlueprint, FileSchema
from flask import Response, current_app, stream_with_context

from pneumonia_api import audit_schemas
from pneumonia_api.audit.trail import Wanted, list_entries, read_page
from pneumonia_api.auth import bearer
from pneumonia_api.request import check_body, check_query

auditing = APIBlueprint("auditing", __name__, url_prefix="/v1", tag="V1")
auditing.before_request(check_body)
auditing.before_request(check_query)

COLUMNS = tuple(audit_schemas.EntrySchema().fields)

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet; names of people are free text."""


@auditing.get("/audit")
@auditing.auth_required(bearer)
@auditing.input(audit_schemas.AuditQuerySchema, location="query", arg_name="query")
@auditing.output(audit_schemas.AuditSchema)
@auditing.doc(responses={403: "The caller is no admin."})
def read_audit(query: dict[str, Any]) -> dict[str, Any]:
    """Who did what in the last weeks, the newest first; older lines are in the files."""
    cursor, limit = query.pop("cursor"), query.pop("limit")
    entries, after = read_page(current_app.extensions["redis"], Wanted(**query), cursor, limit)
    return {"entries": entries, "cursor": after}


@auditing.get("/audit.csv")
@auditing.auth_required(bearer)
@auditing.input(audit_schemas.WantedSchema, location="query", arg_name="query")
@auditing.output(FileSchema(), content_type="text/csv")
@auditing.doc(responses={403: "The caller is no admin."})
def export_audit(query: dict[str, Any]) -> Response:
    """The same as a table, all of it."""
    entries = list_entries(current_app.extensions["redis"], Wanted(**query))
    first = next(entries, None)  # an error of Redis comes before the answer begins
    rows = chain([] if first is None else [first], entries)
    response = Response(stream_with_context(_write(rows)), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _write(entries: Iterable[dict[str, str]]) -> Iterator[str]:
    yield _row(COLUMNS)
    for entry in entries:
        yield _row([_quote(entry.get(name, "")) for name in COLUMNS])


def _row(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _quote(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
