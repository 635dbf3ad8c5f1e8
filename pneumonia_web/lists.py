"""What a person does with a whole list: go on to its next X-ray, and export it."""

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, Response, flash, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from pneumonia_web.blinding import hides_results, judge_for_reader, note_silence
from pneumonia_web.language import gettext
from pneumonia_web.listing import find_next, read_all, read_listing, read_place
from pneumonia_web.records import Xray
from pneumonia_web.verdict import FINDINGS, READINGS
from pneumonia_web.views import api, logged_in, refuse_repeats

lists = Blueprint("lists", __name__)
lists.before_request(refuse_repeats)

COLUMNS = ("id", "reference", "sent", "sent by", "status", "reason", "age", "view")
AI_COLUMNS = ("AI result", "withheld", "probability", "threshold", "model", "site profile")
READING_COLUMNS = ("reading", "reader", "read", "note")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet, which may send data elsewhere."""


@lists.get("/xrays/next")
@logged_in
def open_next(token: str) -> ResponseReturnValue:
    """Open the next X-ray of the list that nobody has read."""
    listing = read_listing()
    found = find_next(api(), token, listing, request.args.get("after", ""))
    if found:
        return redirect(url_for("pages.result", xray_id=found, **read_place()))
    flash(gettext("Nothing else in this list is left to read."))
    return redirect(url_for("pages.worklist", **read_place()))


@lists.get("/xrays.csv")
@logged_in
def export(token: str) -> ResponseReturnValue:
    """The whole list for a spreadsheet, in its order, without what `blinding` withholds."""
    xrays = read_all(api(), token, read_listing())
    first = next(xrays, None)  # an error of the API comes before the answer begins
    listed = [] if first is None else [first]
    response = Response(stream_with_context(_write_table([*listed], xrays)), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="worklist.csv"'
    return response


def _write_table(first: list[Xray], rest: Iterator[Xray]) -> Iterator[str]:
    if first:
        note_silence(first[0])
    hidden = hides_results()
    yield _write_row([*COLUMNS, *(() if hidden else AI_COLUMNS), *READING_COLUMNS])
    # One table whoever exports it: programs read it, and tables of two people are put together.
    with force_locale("en"):
        for xrays in (first, rest):
            for xray in xrays:
                ai = [] if hidden else _tell_result(xray)
                yield _write_row([*_tell_xray(xray), *ai, *_tell_reading(xray, hidden=hidden)])


def _write_row(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([f"'{each}" if each.startswith(FORMULA) else each for each in cells])
    return line.getvalue()


def _tell_xray(xray: Xray) -> list[str]:
    age = xray["scope"]["age"] if xray["scope"] else ""
    named = [xray["id"], xray["reference"], xray["created_at"], xray["source"]]
    return [*named, xray["status"], xray["reason"] or "", age, xray.get("view") or ""]


def _tell_result(xray: Xray) -> list[str]:
    prediction = xray["prediction"]
    if not prediction:
        return [""] * len(AI_COLUMNS)
    verdict = judge_for_reader(xray)
    decided = [str(prediction["threshold"]), prediction["model"], prediction.get("profile") or ""]
    if verdict.flag or not verdict.finding:
        return ["", verdict.flag or "", "", *decided]
    return [FINDINGS[verdict.finding], "", str(prediction["probability"]), *decided]


def _tell_reading(xray: Xray, *, hidden: bool) -> list[str]:
    review = xray["review"]
    if not review:
        return [""] * len(READING_COLUMNS)
    # Another reader's answer is as good a hint as the AI result.
    if hidden and judge_for_reader(xray).hidden:
        return ["", review["reader"], review["reviewed_at"], ""]
    return [READINGS[review["label"]], review["reader"], review["reviewed_at"], review["note"]]
