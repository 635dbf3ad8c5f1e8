"""Whether a person still uses the session, or has left it open.

The session's cookie has the time of their last activity: a page or form that they asked for, or the
use of key or pointer that a page reports (`lock.js`). What it fetches by itself does not count.
"""

import time

from flask import current_app, request, session

COUNTED_SECONDS = 30
"""The time is stored in steps: each time sends the cookie again."""

LATE_SECONDS = 90
"""How far the stored time may lag behind: a page reports once a minute."""

BY_ITSELF = ("pages.preview", "pages.thumbnail", "pages.film")
"""What pages load without being asked, like the refreshes of htmx."""


def note_activity() -> None:
    """Store that the person is active."""
    now = int(time.time())
    if now - session.get("active", 0) >= COUNTED_SECONDS:
        session["active"] = now


def is_activity() -> bool:
    """Whether this request was asked for by a person."""
    refreshes = request.method == "GET" and "HX-Request" in request.headers
    return not refreshes and request.endpoint not in BY_ITSELF


def is_locked() -> bool:
    """Whether the person has been inactive for longer than the site allows."""
    idle = time.time() - session.get("active", 0)
    return bool(idle > 60 * current_app.config["IDLE_MINUTES"] + LATE_SECONDS)
