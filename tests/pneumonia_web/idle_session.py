"""A session whose person was last active some time ago."""

import time

from dotenv import dotenv_values

from pneumonia_web.app import create_app
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack

COOKIE = "pneumonia_session"

LONG = 17 * 60
"""Seconds without activity after which the default of IDLE_MINUTES locks."""


def age_cookie(stack: Stack, cookie: str, seconds: float) -> str:
    """The cookie as the server signs it, with the last activity so long ago."""
    settings = dotenv_values(stack.var / "env")
    app = create_app({"API_URL": stack.api_url, "SECRET_KEY": str(settings["SECRET_KEY"])})
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    content = signer.loads(cookie)
    return str(signer.dumps({**content, "active": int(time.time() - seconds)}))


def leave(doctor: Visitor, stack: Stack, seconds: float = LONG) -> None:
    """Let the person be inactive for so long."""
    [cookie] = [each for each in doctor.session.cookies if each.name == COOKIE]
    cookie.value = age_cookie(stack, str(cookie.value), seconds)
