"""The second factor: its code at the log-in, and the page on which a person sets it up."""

import segno
from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from pneumonia_web.api_client import ApiError
from pneumonia_web.factor_client import Secret, factor_api
from pneumonia_web.language import gettext
from pneumonia_web.rules import find_home
from pneumonia_web.views import OWN_PAGE, keep_session, logged_in, refuse_repeats

factor = Blueprint("factor", __name__)
factor.before_request(refuse_repeats)

OTPAUTH = "otpauth://totp/"


@factor.get("/login/code")
def ask_code() -> ResponseReturnValue:
    """The form for the code, after the password."""
    if "pending" not in session:
        return redirect(url_for("pages.log_in"))
    return render_template("code.html")


@factor.post("/login/code")
def finish_log_in() -> ResponseReturnValue:
    """Log in with the code, then go to the page that was asked for."""
    if "pending" not in session:
        return redirect(url_for("pages.log_in"))
    try:
        opened = factor_api().finish_log_in(session["pending"], request.form.get("code", ""))
    except ApiError as error:
        if error.code == "log_in_expired":
            session.clear()
            flash(str(error))
            return redirect(url_for("pages.log_in"), 303)
        problem = gettext("Enter the code.") if error.status == 422 else str(error)
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        return render_template("code.html", problem=problem), error.status, headers
    user, target = session["pending_user"], session["pending_page"]
    session.clear()
    session.permanent = True
    session["user"] = user
    keep_session(opened)
    return redirect(target if OWN_PAGE.fullmatch(target) else find_home(), 303)


@factor.get("/second-factor")
@logged_in
def show(token: str) -> ResponseReturnValue:
    """Whether the person has one, and the form that begins or removes it."""
    return _render(token)


@factor.post("/second-factor")
@logged_in
def begin(token: str) -> ResponseReturnValue:
    """With the password, show the secret of a new one."""
    password, address = request.form.get("password", ""), request.remote_addr or ""
    try:
        secret = factor_api().begin_factor(token, password, address)
    except ApiError as error:
        return _refuse(token, error)
    return _render_secret(secret)


@factor.post("/second-factor/confirm")
@logged_in
def confirm(token: str) -> ResponseReturnValue:
    """With a code of the new one, show the recovery codes this once."""
    try:
        codes = factor_api().confirm_factor(token, request.form.get("code", ""))
    except ApiError as error:
        shown = Secret(request.form.get("secret", ""), request.form.get("address", ""))
        known = shown.address.startswith(OTPAUTH)
        if not known or error.code not in ("wrong_code", "invalid_request"):
            raise
        problem = str(error) if error.code == "wrong_code" else gettext("Enter the code.")
        return _render_secret(shown, problem=problem), 422
    return render_template("recovery.html", codes=codes)


@factor.post("/second-factor/remove")
@logged_in
def remove(token: str) -> ResponseReturnValue:
    """With the password, log in without a code from now on."""
    password, address = request.form.get("password", ""), request.remote_addr or ""
    try:
        factor_api().remove_factor(token, password, address)
    except ApiError as error:
        return _refuse(token, error)
    flash(gettext("Your second factor was removed."))
    return redirect(url_for("factor.show"), 303)


@factor.post("/site/second-factor")
@logged_in
def require(token: str) -> ResponseReturnValue:
    """Require it of everybody, or no longer."""
    required = request.form.get("required") == "on"
    factor_api().require_factor(token, required)
    flash(
        gettext("Everybody needs a second factor from now on.")
        if required
        else gettext("A second factor is no longer required.")
    )
    return redirect(url_for("site.show"), 303)


def _refuse(token: str, error: ApiError) -> ResponseReturnValue:
    if error.code == "not_logged_in":
        raise error
    sentences = {
        "wrong_password": gettext("The password is wrong."),
        "invalid_request": gettext("Enter your password."),
    }
    # 401 is for a session that has ended; this one goes on.
    status = 403 if error.status == 401 else error.status
    return _render(token, problem=sentences.get(error.code, str(error))), status


def _render(token: str, **shown: object) -> str:
    return render_template("factor.html", factor=factor_api().read_factor(token), **shown)


def _render_secret(secret: Secret, problem: str = "") -> str:
    return render_template("secret.html", new=secret, code=draw(secret.address), problem=problem)


def draw(address: str) -> Markup:
    """The QR code as SVG for the page itself: nothing is loaded from elsewhere for it."""
    svg = segno.make(address, error="m", micro=False).svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(svg)  # noqa: S704 - of segno, which draws and escapes; no text of a person is in it
