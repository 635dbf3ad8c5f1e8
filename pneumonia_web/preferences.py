"""How a person wants to read."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.views import api, logged_in, refuse_repeats

preferences = Blueprint("preferences", __name__)
preferences.before_request(refuse_repeats)


@preferences.get("/preferences")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """The person's preferences."""
    del token
    return render_template("preferences.html")


@preferences.post("/preferences")
@logged_in
def save(token: str) -> ResponseReturnValue:
    """Store them for this and later sessions."""
    chosen = request.form.get("reads_first") == "on"
    api().set_reads_first(token, chosen)
    session["reads_first"] = chosen
    flash("Your preferences were saved.")
    return redirect(url_for("preferences.show"), 303)
