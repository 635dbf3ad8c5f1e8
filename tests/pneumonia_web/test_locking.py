"""A session that is left open locks: the password opens it again, and nothing is lost."""

import requests

from tests.pneumonia_web.idle_session import COOKIE, leave
from tests.pneumonia_web.visitor import HIDDEN, Visitor
from tests.stack import Stack

PART = {"HX-Request": "true"}


def unlock(doctor: Visitor, page: requests.Response, password: str) -> requests.Response:
    """Send the form of the locked page."""
    data = {**dict(HIDDEN.findall(page.text)), "password": password}
    return doctor.session.post(
        page.url, data=data, headers={"Referer": doctor.url}, allow_redirects=True, timeout=20
    )


def test_locked_session_shows_nothing_until_the_password_is_given(
    doctor: Visitor, stack: Stack
) -> None:
    """A page leads to the form and back; parts, scripts and pictures are refused."""
    leave(doctor, stack)
    page = doctor.get("/xrays?q=Study")
    assert page.url == f"{doctor.url}/unlock?next=/xrays?q%3DStudy"
    assert f"Password of {stack.user}" in page.text
    assert 'id="rows"' not in page.text
    part = doctor.get("/xrays", headers=PART)
    assert (part.status_code, part.text) == (
        423,
        "The page is locked; enter your password, then try again.",
    )
    json = doctor.get("/xrays", headers={"Accept": "application/json"})
    assert (json.status_code, list(json.json())) == (423, ["error"])
    picture = doctor.get(f"/xrays/{'0' * 32}/preview", allow_redirects=False)
    assert picture.headers["Location"] == "/unlock"

    wrong = unlock(doctor, page, "wrong-password")
    assert (wrong.status_code, "The password is wrong." in wrong.text) == (403, True)
    assert doctor.get("/xrays", headers=PART).status_code == 423
    opened = unlock(doctor, page, stack.password)
    assert (opened.status_code, opened.url) == (200, f"{doctor.url}/xrays?q=Study")


def test_only_what_a_person_asks_for_counts_as_activity(doctor: Visitor, stack: Stack) -> None:
    """Neither the refresh of a list nor a picture keeps a session open; a page and a report do."""
    for path, headers, counts in (
        ("/xrays", PART, False),
        (f"/xrays/{'0' * 32}/preview", {}, False),
        (f"/xrays/{'0' * 32}/film", {}, False),
        ("/xrays", {}, True),
    ):
        leave(doctor, stack, 10 * 60)
        answer = doctor.get(path, headers=headers)
        assert answer.status_code in (200, 204, 404)
        assert (COOKIE in answer.cookies) is counts, path
    leave(doctor, stack, 10 * 60)
    assert doctor.post("/active", "/deletions").status_code == 204


def test_token_of_before_the_lock_is_revoked(doctor: Visitor, stack: Stack) -> None:
    """Unlocking gives the session a token of its own; a copy of the old cookie is worthless."""
    leave(doctor, stack, 10 * 60)  # not yet locked
    copy = doctor.session.cookies[COOKIE]
    leave(doctor, stack)
    assert unlock(doctor, doctor.get("/xrays"), stack.password).ok
    thief = requests.get(f"{doctor.url}/xrays", cookies={COOKIE: copy}, timeout=20)
    assert "/login" in thief.url


def test_form_that_was_open_before_the_lock_is_still_valid(doctor: Visitor, stack: Stack) -> None:
    """Its token against forgery stays, so that what was typed can be sent."""
    before = dict(HIDDEN.findall(doctor.get("/xrays").text))["csrf_token"]
    leave(doctor, stack)
    assert unlock(doctor, doctor.get("/xrays"), stack.password).ok
    headers = {"X-CSRFToken": before, "Referer": doctor.url}
    sent = doctor.session.post(f"{doctor.url}/active", headers=headers, timeout=20)
    assert sent.status_code == 204
