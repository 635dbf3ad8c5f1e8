"""Log-in by the site's OpenID provider: the way there and back, and out of it again.

The browser keeps which log-ins it began, in a cookie of its own: one that another browser began
ends here with an error page (OpenID Connect Core 3.1.2.1, `state`).
"""

from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer

from monitoring.logs.requests import note
from pneumonia_web.api_client import ApiError
from pneumonia_web.language import N_, translate
from pneumonia_web.provider_client import provider_api
from pneumonia_web.rules import find_home
from pneumonia_web.views import OWN_PAGE, keep_session, refuse_repeats

provider = Blueprint("provider", __name__)
provider.before_request(refuse_repeats)

COOKIE, PATH = "pneumonia_log_in", "/login/oidc"

BEGUN_SECONDS = 600
"""As `pneumonia_api.provider_people.BEGUN_SECONDS`."""

MOST_BEGUN = 5
"""Log-ins that one browser can have begun, in as many tabs; more push out the oldest."""

UNLOCKED = "#unlocked"

BROUGHT = ("state", "code", "iss")
"""What the provider sends back."""

REFUSED = N_("Your organisation's log-in did not let you in; begin again, or ask those who run it.")
STALE = N_("This log-in was finished already or begun too long ago; begin again.")


@provider.get(PATH)
def begin() -> ResponseReturnValue:
    """Go to the provider; it sends the browser back to `finish`."""
    target = request.args.get("next", "")
    try:
        # Who left a session open is not let in again by whoever finds it, only because the provider
        # still knows the browser.
        begun = provider_api().begin_log_in(again="token" in session)
    except ApiError as error:
        return _refuse(error)
    kept = {**_read_begun(), begun.state: target if OWN_PAGE.fullmatch(target) else ""}
    return _keep_begun(redirect(begun.url, 303), dict([*kept.items()][-MOST_BEGUN:]))


@provider.get(f"{PATH}/callback")
def finish() -> ResponseReturnValue:
    """Come back from the provider, then go to the page that was asked for."""
    begun, state = _read_begun(), request.args.get("state", "")
    target = begun.pop(state, None)
    if "error" in request.args:
        note(code="provider_refused")
        return _keep_begun(make_response(_say(REFUSED, 403)), begun)
    if target is None or "code" not in request.args:
        # The back button, after a log-in that went well.
        return redirect(find_home()) if "token" in session else _say(STALE, 400)
    try:
        brought = {name: request.args[name] for name in BROUGHT if name in request.args}
        opened = provider_api().redeem_code(brought, request.remote_addr or "")
    except ApiError as error:
        return _keep_begun(make_response(_refuse(error)), begun)
    earlier = session.get("token") if session.get("user") == opened.user else None
    if not earlier:
        session.clear()
    session.permanent = True
    session["user"] = opened.user
    keep_session(opened)
    if earlier:
        _end(earlier)
    # The other tabs, which may be locked, learn it from this one (lock.js).
    page = f"{target or find_home()}{UNLOCKED if earlier else ''}"
    return _keep_begun(redirect(page, 303), begun)


def _end(token: str) -> None:
    """End the session that a new one of the same person follows."""
    try:
        provider_api().log_out(token)
    except ApiError as error:
        if error.status != 401:  # it may have expired meanwhile
            raise


def _refuse(error: ApiError) -> ResponseReturnValue:
    note(code=error.code)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    sentence = REFUSED if error.status == 422 else str(error)
    # 401 is for a session that has ended, and scripts act on it.
    return _say(sentence, 400 if error.status == 401 else error.status, headers)


def _say(sentence: Any, status: int, headers: dict[str, str] | None = None) -> Any:
    return render_template("refused.html", sentence=translate(sentence)), status, headers or {}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=COOKIE)


def _read_begun() -> dict[str, str]:
    """The page to go to by the state of each log-in that this browser has begun."""
    try:
        found = _signer().loads(request.cookies.get(COOKIE, ""), max_age=BEGUN_SECONDS)
    except BadSignature:
        return {}
    return dict(found)


def _keep_begun(response: Any, begun: dict[str, str]) -> Response:
    response.set_cookie(
        COOKIE,
        _signer().dumps(begun),
        max_age=BEGUN_SECONDS,
        path=PATH,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response
