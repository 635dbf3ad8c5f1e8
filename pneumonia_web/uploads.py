"""Send an X-ray to the service."""

import os

from flask import Blueprint, current_app, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from monitoring.logs.requests import note
from pneumonia_web.api_client import ApiError
from pneumonia_web.blinding import judge_for_reader
from pneumonia_web.language import gettext, translate
from pneumonia_web.records import Xray
from pneumonia_web.sentences import translate_record
from pneumonia_web.verdict import FINDINGS
from pneumonia_web.views import api, logged_in, refuse_repeats, wants_json

uploads = Blueprint("uploads", __name__)
uploads.before_request(refuse_repeats)

KEY_HEADER = "Idempotency-Key"


@uploads.post("/xrays")
@logged_in
def send(token: str) -> ResponseReturnValue:
    """Forward one X-ray to the API; answer JSON to the script, a redirect to a plain form."""
    file = request.files.get("xray")
    if not file:
        raise ApiError(400, "missing_file", gettext("Choose an X-ray first."))
    size = file.stream.seek(0, os.SEEK_END)
    file.stream.seek(0)
    if size > current_app.config["MAX_FILE_BYTES"]:
        raise RequestEntityTooLarge
    reference = request.form.get("reference", "").strip()
    key = request.headers.get(KEY_HEADER) or request.form.get("idempotency_key") or None
    record = api().upload(token, file.stream, file.mimetype, reference, key)
    note(xray=record["id"])
    url = url_for("pages.result", xray_id=record["id"])
    if wants_json():
        return jsonify(
            url=url,
            status=record["status"],
            reason=translate_record(record["reason"]) or None,
            result=_describe_result(record),
            thumbnail=_find_thumbnail(record),
        )
    return redirect(url, 303)


def _describe_result(xray: Xray) -> dict[str, str] | None:
    """What the row of the upload may say: as in the worklist, nothing that is withheld."""
    if xray["status"] != "done":
        return (
            {"kind": "queued", "word": gettext("Analysing")} if xray["status"] == "queued" else None
        )
    verdict = judge_for_reader(xray)
    if verdict.flag or not verdict.finding:
        return {"kind": "warned", "word": verdict.flag or gettext("No verdict")}
    return {"kind": verdict.finding, "word": translate(FINDINGS[verdict.finding])}


def _find_thumbnail(xray: Xray) -> str | None:
    decoded = xray["status"] == "done" or xray["quality"]
    return url_for("pages.thumbnail", xray_id=xray["id"]) if decoded else None
