"""The reader's own readings of an X-ray."""

import hashlib
import re

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.api_client import ApiError
from pneumonia_web.blinding import reads_first
from pneumonia_web.language import gettext
from pneumonia_web.listing import read_place
from pneumonia_web.records import Xray
from pneumonia_web.verdict import find_readers
from pneumonia_web.views import api, logged_in, refreshes_part, refuse_repeats

MAX_SECONDS = 3600
"""The longest time of reading that the API records."""

SECONDS = re.compile(r"\d{1,7}(?:\.\d{1,3})?", re.ASCII)

readings = Blueprint("readings", __name__)
readings.before_request(refuse_repeats)


@readings.post("/xrays/<xray_id>/review")
@logged_in
def review(token: str, xray_id: str) -> ResponseReturnValue:
    """Record the reader's own reading, withdraw it, or undo either.

    Nothing is recorded if the X-ray was read since the page was made: then the page shows that
    reading, and keeps the note that was typed. htmx gets the updated part of the page.
    """
    label = request.form.get("label", "")
    note = " ".join(request.form.get("note", "").split())
    seen = read_number("seen")
    entry: dict[str, str | float] = {"label": label, "note": note, "seen": seen}
    if ai := request.form.get("ai"):
        entry["ai"] = ai
    if "undoes" in request.form:
        entry["undoes"] = read_number("undoes")
    if seconds := read_seconds():
        entry["seconds"] = seconds
    try:
        xray = api().add_reading(token, xray_id, entry, name_entry(label, note))
    except ApiError as error:
        if error.code != "read_meanwhile":
            raise
        return _show(api().read(token, xray_id), problem=str(error), typed=note), 409
    if not refreshes_part():
        place = read_place()
        page = url_for("pages.result", xray_id=xray_id, film="seen", _anchor="reading", **place)
        return redirect(page, 303)
    readers = find_readers(xray)
    waited = reads_first() or xray.get("silent", False)
    if waited and readers.count(session["user"]) == 1:
        # The first answer: the page shows what it has withheld until now.
        return _show(xray, whole=True, undo=True), {"HX-Retarget": "#result"}
    return _show(xray, undo="undoes" not in entry)


@readings.post("/xrays/<xray_id>/reopen")
@logged_in
def reopen(token: str, xray_id: str) -> ResponseReturnValue:
    """Take back another reader's reading, so that the X-ray is read again."""
    note = " ".join(request.form.get("note", "").split())
    reopening: dict[str, str | int] = {
        "number": read_number("number"),
        "note": note,
        "seen": read_number("seen"),
    }
    key = name_entry(f"reopen {reopening['number']}", note)
    try:
        xray = api().reopen(token, xray_id, reopening, key)
    except ApiError as error:
        if error.code != "read_meanwhile":
            raise
        return _show(api().read(token, xray_id), problem=str(error)), 409
    if not refreshes_part():
        place = read_place()
        page = url_for("pages.result", xray_id=xray_id, film="seen", _anchor="reading", **place)
        return redirect(page, 303)
    return _show(xray, undo=True)


def name_entry(label: str, note: str) -> str:
    """The idempotency key of an entry: another answer by the same form is another entry."""
    form = [request.form.get(name, "") for name in ("idempotency_key", "undoes")]
    return hashlib.sha256("\n".join([*form, label, note]).encode()).hexdigest()


def read_number(name: str) -> int:
    """A number that the page itself put into its form. Raises ApiError."""
    value = request.form.get(name, "")
    if not (value.isascii() and value.isdecimal() and len(value) < 6):
        raise ApiError(
            400, "out_of_date", gettext("The page was out of date; reload it and answer again.")
        )
    return int(value)


def read_seconds() -> float | None:
    """The time that the page measured for this answer, if that can be a time of reading.

    A page left open over lunch measures none, and a reading is never refused for its time.
    """
    value = request.form.get("seconds", "")
    if not SECONDS.fullmatch(value):
        return None
    seconds = float(value)
    return seconds if 0 < seconds <= MAX_SECONDS else None


def _show(xray: Xray, *, whole: bool = False, **shown: object) -> str:
    part = "_result.html" if whole else "_reading.html"
    template = part if refreshes_part() else "result.html"
    return render_template(template, xray=xray, film_seen=True, **shown)
