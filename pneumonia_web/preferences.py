"""How a person wants to read."""

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import refresh

from pneumonia_web.language import gettext
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
    kept = session.get("language", "")
    language = request.form.get("language", kept)
    # What the site has switched on cannot be chosen, and is no choice of the person's.
    fixed = current_app.config["READS_FIRST"]
    own = bool(session.get("reads_first", False))
    chosen = own if fixed else request.form.get("reads_first") == "on"
    api().set_preferences(token, chosen, language if language != kept else None)
    session["reads_first"], session["language"] = chosen, language
    refresh()  # the sentence is in the language that was just chosen
    flash(gettext("Your preferences were saved."))
    return redirect(url_for("preferences.show"), 303)
