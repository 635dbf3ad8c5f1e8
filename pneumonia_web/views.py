"""The pages: log in, worklist, result."""

import functools
import hashlib
import os
import re
from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from monitoring.logs.requests import note
from pneumonia_web.api_client import ApiClient, ApiError

pages = Blueprint("pages", __name__)

KEY_HEADER = "Idempotency-Key"

PAGE_SIZE = "25"

# Where log-in may lead: the two pages, and not what they are made of (a preview is a bare picture).
# Plain characters only: browsers drop tabs and newlines and turn backslashes round, and a
# harmless-looking path becomes another host.
OWN_PAGE = re.compile(r"/xrays(?:/[0-9a-f]{32})?(?:\?[\w=&%.+-]*)?", re.ASCII)


def _api() -> ApiClient:
    return current_app.extensions["api"]


def logged_in(
    view: Callable[..., ResponseReturnValue],
) -> Callable[..., ResponseReturnValue]:
    """Pass the person's token to the view; without one, ask to log in first."""

    @functools.wraps(view)
    def guarded(**arguments: Any) -> ResponseReturnValue:
        if "token" not in session:
            return ask_to_log_in()
        return view(session["token"], **arguments)

    return guarded


def ask_to_log_in() -> ResponseReturnValue:
    """To the log-in page, and back here after it; scripts keep their page and say it there."""
    session.clear()
    if refreshes_part():
        return "", 401
    if wants_json():
        return jsonify(error="Your session has ended; log in again."), 401
    query = request.query_string.decode("ascii", "replace")
    back = f"{request.path}?{query}" if query else request.path
    if request.method != "GET" or not OWN_PAGE.fullmatch(back):
        return redirect(url_for("pages.log_in"))
    return redirect(url_for("pages.log_in", next=back))


def refreshes_part() -> bool:
    """Whether a part of a page that is open asks for its news."""
    return "HX-Request" in request.headers


def wants_json() -> bool:
    """Whether a script asks, rather than a person's browser."""
    return request.accept_mimetypes.best == "application/json"


@pages.before_request
def refuse_repeats() -> None:
    """Refuse a value that is there twice: one of the two would be dropped without a word."""
    if sum(bool(file.filename) for _, file in request.files.items(multi=True)) > 1:
        raise ApiError(422, "several_files", "Send one X-ray at a time; none of these was stored.")
    for values in (request.args, request.form, request.files):
        if any(len(found) > 1 for _, found in values.lists()):
            raise ApiError(
                400, "repeated", "The form says something twice; reload the page and send it again."
            )


@pages.get("/")
def start() -> ResponseReturnValue:
    """The worklist is the start page."""
    return redirect(url_for("pages.worklist"))


@pages.get("/login")
def log_in() -> ResponseReturnValue:
    """The log-in form."""
    return render_template("login.html", user="", error=None)


@pages.post("/login")
def start_session() -> ResponseReturnValue:
    """Log in, then on to the page that was asked for."""
    user = request.form.get("user", "").strip()
    try:
        token = _api().log_in(user, request.form.get("password", ""), request.remote_addr or "")
    except ApiError as error:
        message = "Enter your name and your password." if error.status == 422 else str(error)
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        return render_template("login.html", user=user, error=message), error.status, headers
    session.clear()
    session.permanent = True
    session["token"], session["user"] = token, user
    target = request.args.get("next", "")
    return redirect(target if OWN_PAGE.fullmatch(target) else url_for("pages.worklist"))


@pages.post("/logout")
def end_session() -> ResponseReturnValue:
    """Log out; the token opens nothing afterwards.

    While the API cannot end the session, the browser keeps it, so that Log out can be tried again.
    """
    token = session.get("token")
    if token:
        try:
            _api().log_out(token)
        except ApiError as error:
            if error.status != 401:  # an expired session is logged out already
                raise ApiError(
                    error.status,
                    "not_logged_out",
                    "You are still logged in, because the service cannot end your session; "
                    "press Log out again.",
                    error.retry_after,
                ) from error
    session.clear()
    return redirect(url_for("pages.log_in"))


@pages.get("/xrays")
@logged_in
def worklist(token: str) -> ResponseReturnValue:
    """Recent X-rays; a refresh gets the rows alone, and nothing when they have not changed."""
    names = ("status", "decision", "reviewed", "q", "cursor")
    query = {name: request.args[name] for name in names if request.args.get(name)}
    # What waits, or could not be judged, is nothing that a reader has still to review.
    judged = {"status": "done"} if query.get("reviewed") == "false" else {}
    page = _api().list(token, {**judged, **query, "limit": PAGE_SIZE})
    # Swapping rows takes the keyboard's focus away, so it happens only when there is news.
    seen = hashlib.sha256(repr(page).encode()).hexdigest()[:16]
    if not refreshes_part():
        return render_template("worklist.html", page=page, query=query, seen=seen)
    if request.args.get("seen") == seen:
        return "", 204
    return render_template("_rows.html", page=page, query=query, seen=seen)


@pages.post("/xrays")
@logged_in
def upload(token: str) -> ResponseReturnValue:
    """Pass one X-ray on; the script gets JSON, a form without script is sent to the result."""
    file = request.files.get("xray")
    if not file:
        raise ApiError(400, "missing_file", "Choose an X-ray first.")
    size = file.stream.seek(0, os.SEEK_END)
    file.stream.seek(0)
    if size > current_app.config["MAX_FILE_BYTES"]:
        raise RequestEntityTooLarge
    reference = request.form.get("reference", "").strip()
    key = request.headers.get(KEY_HEADER) or request.form.get("idempotency_key") or None
    record = _api().upload(token, file.stream, file.mimetype, reference, key)
    note(xray=record["id"])
    url = url_for("pages.result", xray_id=record["id"])
    if wants_json():
        return jsonify(url=url, status=record["status"], reason=record["reason"])
    return redirect(url, 303)


@pages.get("/xrays/<xray_id>")
@logged_in
def result(token: str, xray_id: str) -> ResponseReturnValue:
    """The result; while it waits, the page asks for the inner part again."""
    xray = _api().read(token, xray_id)
    inner = refreshes_part()
    if inner and xray["status"] == "queued":
        return "", 204
    return render_template("_result.html" if inner else "result.html", xray=xray)


@pages.get("/xrays/<xray_id>/preview")
@logged_in
def preview(token: str, xray_id: str) -> Response:
    """The preview image."""
    response = make_response(_api().read_preview(token, xray_id))
    response.content_type = "image/jpeg"
    response.cache_control.private = True
    response.cache_control.max_age = 3600
    return response


@pages.post("/xrays/<xray_id>/review")
@logged_in
def review(token: str, xray_id: str) -> ResponseReturnValue:
    """Record the reader's own reading; the script gets its part of the page anew."""
    typed = " ".join(request.form.get("note", "").split())
    xray = _api().review(token, xray_id, request.form.get("label", ""), typed)
    if refreshes_part():
        return render_template("_reading.html", xray=xray)
    return redirect(url_for("pages.result", xray_id=xray_id, _anchor="reading"), 303)


@pages.post("/xrays/<xray_id>/delete")
@logged_in
def delete(token: str, xray_id: str) -> ResponseReturnValue:
    """Delete an X-ray and its result."""
    _api().delete(token, xray_id)
    flash("The X-ray and its result were deleted.")
    return redirect(url_for("pages.worklist"), 303)


@pages.get("/livez")
def livez() -> dict[str, str]:
    """Whether this process answers."""
    return {"status": "alive"}
