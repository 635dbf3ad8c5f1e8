"""The lock of a session that was left open: the person goes on with their password."""

from flask import Blueprint, jsonify, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from pneumonia_web.api_client import ApiError
from pneumonia_web.language import gettext
from pneumonia_web.rules import find_home
from pneumonia_web.views import (
    OWN_PAGE,
    api,
    ask_to_log_in,
    keep_session,
    logged_in,
    refuse_repeats,
    wants_json,
)

locking = Blueprint("locking", __name__)
locking.before_request(refuse_repeats)


@locking.post("/active")
@logged_in
def report_activity(token: str) -> ResponseReturnValue:
    """The person uses the page; 423 if it is too late."""
    del token
    return "", 204


@locking.get("/unlock")
def ask_password() -> ResponseReturnValue:
    """The form, for a browser without scripts, or a page that was opened after the lock."""
    if "token" not in session:
        return ask_to_log_in()
    return render_template("unlock.html", error=None)


@locking.post("/unlock")
def unlock() -> ResponseReturnValue:
    """Go on with the same session, and the same forms, under a new token."""
    if "token" not in session:
        return ask_to_log_in()
    password = request.form.get("password", "")
    try:
        opened = api().log_in(session["user"], password, request.remote_addr or "")
    except ApiError as error:
        sentences = {401: gettext("The password is wrong."), 422: gettext("Enter your password.")}
        message = sentences.get(error.status, str(error))
        # 401 is for a session that has ended; this one goes on.
        status = 403 if error.status == 401 else error.status
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        if wants_json():
            return jsonify(error=message), status, headers
        return render_template("unlock.html", error=message), status, headers
    earlier = session["token"]
    keep_session(opened)
    try:
        api().log_out(earlier)
    except ApiError as error:
        if error.status != 401:  # it may have expired meanwhile
            raise
    if wants_json():
        return "", 204
    target = request.args.get("next", "")
    return redirect(target if OWN_PAGE.fullmatch(target) else find_home())
