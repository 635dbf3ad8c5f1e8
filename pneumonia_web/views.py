"""The pages: log in, worklist, result. What people send or change has modules of its own."""

import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from pneumonia_web.api_client import ApiClient, ApiError, LogIn
from pneumonia_web.idle import is_activity, is_locked, note_activity
from pneumonia_web.language import find_language, gettext
from pneumonia_web.listing import read_listing, read_page
from pneumonia_web.rules import find_home

pages = Blueprint("pages", __name__)

PARTS = {"list": "_list.html", "worklist": "_worklist.html"}
"""What htmx replaces when a person asks for another list; a refresh replaces the rows alone."""

FILM_BLOCK = 256 * 1024
"""Bytes of a film that are passed on at a time."""

# Where log-in may redirect to: the pages, but not their parts (a preview is a bare image).
# Plain characters only: browsers drop tabs and newlines and turn backslashes into slashes, so a
# harmless-looking path can become another host (open redirect).
OWN_PAGE = re.compile(
    r"/(?:about|acceptance|deletions|keys|models|password|people|preferences|reader-study|second-factor|site"
    r"|xrays(?:/[0-9a-f]{32}(?:/earlier)?)?)(?:\?[\w=&%.+-]*)?",
    re.ASCII,
)


def api() -> ApiClient:
    """The client of the API."""
    return current_app.extensions["api"]


def logged_in(
    view: Callable[..., ResponseReturnValue],
) -> Callable[..., ResponseReturnValue]:
    """Pass the session token to the view; without one, ask the person to log in.

    If they were inactive for too long, ask for their password first.
    """

    @functools.wraps(view)
    def guarded(**arguments: Any) -> ResponseReturnValue:
        if "token" not in session:
            return ask_to_log_in()
        if is_locked():
            return ask_to_unlock()
        if is_activity():
            note_activity()
        return view(session["token"], **arguments)

    return guarded


def ask_to_log_in() -> ResponseReturnValue:
    """Redirect to the log-in page, and from there back here; a script gets a 401 instead."""
    session.clear()
    if refreshes_part():
        return "", 401
    if wants_json():
        return jsonify(error=gettext("Your session has ended; log in again.")), 401
    return redirect(url_for("pages.log_in", next=_find_own_page()))


def ask_to_unlock() -> ResponseReturnValue:
    """Redirect to the page that asks for the password, and from there back here; else 423."""
    sentence = gettext("The page is locked; enter your password, then try again.")
    if refreshes_part():
        return sentence, 423, {"Content-Type": "text/plain; charset=utf-8"}
    if wants_json():
        return jsonify(error=sentence), 423
    return redirect(url_for("locking.ask_password", next=_find_own_page()))


def _find_own_page() -> str | None:
    """The page that was asked for, with its query, if one can return to it."""
    query = request.query_string.decode("ascii", "replace")
    back = f"{request.path}?{query}" if query else request.path
    return back if request.method == "GET" and OWN_PAGE.fullmatch(back) else None


def refreshes_part() -> bool:
    """Whether htmx asks for a part of an open page."""
    return "HX-Request" in request.headers


def wants_json() -> bool:
    """Whether a script asks, rather than a person's browser."""
    return request.accept_mimetypes.best == "application/json"


@pages.before_request
def refuse_repeats() -> None:
    """Refuse a repeated value: all but one would be dropped silently."""
    if sum(bool(file.filename) for _, file in request.files.items(multi=True)) > 1:
        raise ApiError(
            422, "one_file", gettext("Send one X-ray at a time; none of these was stored.")
        )
    for values in (request.args, request.form, request.files):
        if any(len(found) > 1 for _, found in values.lists()):
            raise ApiError(
                400,
                "repeated",
                gettext("The form repeats a field; reload the page and send it again."),
            )


@pages.get("/")
def start() -> ResponseReturnValue:
    """The start page is the worklist, or what else the person's roles are for."""
    return redirect(find_home())


@pages.get("/login")
def log_in() -> ResponseReturnValue:
    """The log-in form."""
    return render_template("login.html", user="", error=None)


@pages.post("/login")
def start_session() -> ResponseReturnValue:
    """Log in, then redirect to the page that was asked for."""
    user = request.form.get("user", "").strip()
    try:
        opened = api().log_in(user, request.form.get("password", ""), request.remote_addr or "")
    except ApiError as error:
        message = (
            gettext("Enter your name and your password.") if error.status == 422 else str(error)
        )
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        return render_template("login.html", user=user, error=message), error.status, headers
    session.clear()
    session.permanent = True
    target = request.args.get("next", "")
    if opened.pending:
        session["pending"], session["pending_user"] = opened.pending, user
        session["pending_page"] = target if OWN_PAGE.fullmatch(target) else ""
        return redirect(url_for("factor.ask_code"))
    session["user"] = user
    keep_session(opened)
    return redirect(target if OWN_PAGE.fullmatch(target) else find_home())


def keep_session(opened: LogIn) -> None:
    """Keep an open session, and what the pages need to know of its person, in the cookie."""
    session["token"], session["language"] = opened.token, opened.language
    session["reads_first"], session["admin"] = opened.reads_first, opened.admin
    session["by_provider"] = opened.by_provider
    session.pop("roles", None)
    if opened.roles is not None:
        session["roles"] = opened.roles
    note_activity()


@pages.post("/logout")
def end_session() -> ResponseReturnValue:
    """Log out; the API revokes the token.

    While the API cannot do that, the browser keeps its session, so that the person can try again.
    """
    token, elsewhere = session.get("token"), None
    if token:
        try:
            elsewhere = api().log_out(token)
        except ApiError as error:
            if error.status != 401:  # an expired session needs no log-out
                raise ApiError(
                    error.status,
                    "not_logged_out",
                    gettext(
                        "You are still logged in, because the service cannot end your session; "
                        "press Log out again."
                    ),
                    error.retry_after,
                ) from error
    session.clear()
    if elsewhere:
        # No redirect: the policy of the pages lets no form lead to another site.
        return render_template("logged_out.html", address=elsewhere)
    return redirect(url_for("pages.log_in"))


@pages.get("/xrays")
@logged_in
def worklist(token: str) -> ResponseReturnValue:
    """The tabs and one page of a list; a refresh gets that alone, or 204 without a change."""
    listing, cursor = read_listing(), request.args.get("cursor") or None
    page = read_page(api(), token, listing, cursor)
    listing = read_listing()  # without what silent weeks forbid, which the page has just told
    # Swapping the rows loses the keyboard focus, so they are sent only when they have changed.
    seen = hashlib.sha256(repr((find_language(), page)).encode()).hexdigest()[:16]
    shown = {"page": page, "listing": listing, "cursor": cursor, "seen": seen}
    if not refreshes_part():
        return render_template("worklist.html", **shown)
    part = PARTS.get(request.headers.get("HX-Target", ""))
    if part:  # a person asked for another list
        here = url_for("pages.worklist", cursor=cursor, **listing.query)
        return render_template(part, **shown), {"HX-Push-Url": here}
    if request.args.get("seen") == seen:
        return "", 204
    return render_template("_rows.html", refreshed=True, **shown)


@pages.get("/xrays/<xray_id>")
@logged_in
def result(token: str, xray_id: str) -> ResponseReturnValue:
    """The result page; while the X-ray is queued, the page polls for its inner part."""
    xray = api().read(token, xray_id)
    inner = refreshes_part()
    if inner and xray["status"] == "queued":
        return "", 204
    # A browser without scripts cannot check that the film is displayed; its reader says so.
    film_seen = request.args.get("film") == "seen"
    page = "_result.html" if inner else "result.html"
    return render_template(page, xray=xray, film_seen=film_seen)


@pages.get("/xrays/<xray_id>/preview")
@logged_in
def preview(token: str, xray_id: str) -> Response:
    """The preview image."""
    return _answer_image(api().read_preview(token, xray_id))


@pages.get("/xrays/<xray_id>/thumbnail")
@logged_in
def thumbnail(token: str, xray_id: str) -> Response:
    """The preview for a row of the worklist."""
    return _answer_image(api().read_thumbnail(token, xray_id))


def _answer_image(jpeg: bytes) -> Response:
    response = make_response(jpeg)
    response.content_type = "image/jpeg"
    response.cache_control.private = True
    response.cache_control.max_age = 3600
    return response


@pages.get("/xrays/<xray_id>/film")
@logged_in
def film(token: str, xray_id: str) -> Response:
    """The film at full depth, for the viewer."""
    answer = api().open_film(token, xray_id)
    response = Response(answer.iter_content(FILM_BLOCK), content_type="image/png")
    response.content_length = int(answer.headers["Content-Length"])
    response.call_on_close(answer.close)
    response.cache_control.private = True
    response.cache_control.max_age = 3600
    response.cache_control.immutable = True
    return response


@pages.get("/livez")
def livez() -> dict[str, str]:
    """Whether this process responds."""
    return {"status": "alive"}
