"""Delete an X-ray, and restore it within a while."""

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.language import gettext
from pneumonia_web.records import Xray
from pneumonia_web.views import api, logged_in, refuse_repeats

deletions = Blueprint("deletions", __name__)
deletions.before_request(refuse_repeats)


@deletions.post("/xrays/<xray_id>/delete")
@logged_in
def delete(token: str, xray_id: str) -> ResponseReturnValue:
    """Delete an X-ray and its result."""
    api().delete(token, xray_id)
    flash(gettext("The X-ray and its result were deleted."), "deleted")
    return redirect(url_for("pages.worklist"), 303)


@deletions.post("/xrays/<xray_id>/restore")
@logged_in
def restore(token: str, xray_id: str) -> ResponseReturnValue:
    """Restore an X-ray, and show it."""
    api().restore(token, xray_id)
    flash(gettext("The X-ray was restored."))
    return redirect(url_for("pages.result", xray_id=xray_id), 303)


@deletions.get("/deletions")
@logged_in
def list_deletions(token: str) -> ResponseReturnValue:
    """What the person can restore: what they deleted, and what others did."""
    own: list[Xray] = []
    others: list[Xray] = []
    for xray in api().list_deletions(token):
        # An API of the previous release lists the person's own alone, and names nobody.
        is_own = xray["deletion"].get("by", session["user"]) == session["user"]
        (own if is_own else others).append(xray)
    return render_template("deletions.html", own=own, others=others)
