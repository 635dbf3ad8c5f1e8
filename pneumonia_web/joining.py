"""Passwords that people choose themselves: by a one-time link, or once they are logged in."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.api_client import ApiError
from pneumonia_web.language import gettext
from pneumonia_web.views import api, keep_session, logged_in, refuse_repeats

joining = Blueprint("joining", __name__)
joining.before_request(refuse_repeats)


@joining.get("/join")
def ask() -> ResponseReturnValue:
    """The form behind a one-time link, which is not used up by opening it."""
    return render_template("join.html", link=request.args.get("link", ""))


@joining.post("/join")
def join() -> ResponseReturnValue:
    """Choose a password, then go on to the log-in form."""
    link, password = request.form.get("link", ""), request.form.get("password", "")
    problem, status = find_problem(password), 422
    if not problem:
        try:
            user = api().redeem_link(link, password)
        except ApiError as error:
            problem, status = say_problem(error), error.status
        else:
            session.clear()  # of whoever used this browser before
            flash(gettext("Your password was saved; log in as %(name)s.", name=user))
            return redirect(url_for("pages.log_in"), 303)
    return render_template("join.html", link=link, problem=problem), status


@joining.get("/password")
@logged_in
def ask_new(token: str) -> ResponseReturnValue:
    """The form for another password of one's own."""
    del token
    return render_template("password.html")


@joining.post("/password")
@logged_in
def change(token: str) -> ResponseReturnValue:
    """Change it, which ends the person's other sessions."""
    current, password = request.form.get("current", ""), request.form.get("password", "")
    problem, status = find_problem(password), 422
    if not problem:
        try:
            opened = api().change_password(token, current, password, request.remote_addr or "")
        except ApiError as error:
            if error.code == "not_logged_in":
                raise
            wrong = error.code == "wrong_password"
            problem = gettext("The password is wrong.") if wrong else say_problem(error)
            status = 403 if wrong else error.status  # 401 is for a session that has ended
        else:
            keep_session(opened)
            flash(gettext("Your password was changed, and your other sessions were ended."))
            return redirect(url_for("preferences.show"), 303)
    return render_template("password.html", problem=problem), status


def find_problem(password: str) -> str:
    """What is wrong with a password and its repetition, "" if nothing is."""
    if password != request.form.get("repeated", ""):
        return gettext("The two new passwords are not the same.")
    return ""


def say_problem(error: ApiError) -> str:
    """The refusal of a password in words."""
    if error.status == 422:
        return gettext("Use 8 to 256 characters.")
    return str(error)
