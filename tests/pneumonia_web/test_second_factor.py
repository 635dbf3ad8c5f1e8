"""The pages of the second factor."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pyotp
import pytest
import requests

from pneumonia_api.accounts import Accounts
from pneumonia_web.factor import draw
from tests.pneumonia_web.idle_session import leave
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

PASSWORD = "a longer password"


@pytest.fixture
def eve(stack: Stack) -> Iterator[Visitor]:
    """The browser of somebody who is logged in by password alone, and is deleted afterwards."""
    client = connect(stack)
    accounts = Accounts(client, 600)
    accounts.set_password("eve", PASSWORD)
    visitor = Visitor(stack.url)
    visitor.log_in("eve", PASSWORD)
    yield visitor
    visitor.session.close()
    accounts.delete("eve")
    client.delete("codes:eve", "recovery:eve", "site:second-factor")
    client.close()


def make_code(secret: str, later: int = 0) -> str:
    """What the app shows, so many steps of 30 seconds later."""
    return pyotp.TOTP(secret).at(datetime.now(UTC) + later * timedelta(seconds=30))


def begin(eve: Visitor) -> tuple[str, str]:
    """Show the secret; returns it with the address of the QR code."""
    page = eve.post("/second-factor", "/second-factor", data={"password": PASSWORD}).text
    found = dict(re.findall(r'name="(secret|address)" value="([^"]+)"', page))
    return found["secret"], unescape(found["address"])


def confirm(eve: Visitor, secret: str, address: str, code: str) -> requests.Response:
    """Send the form with a code."""
    form = {"secret": secret, "address": address, "code": code}
    return eve.post("/second-factor/confirm", "/second-factor", data=form)


def test_person_sets_it_up_and_logs_in_with_it(eve: Visitor) -> None:
    """The password leads to the form for the code, and that to the page that was asked for."""
    secret, address = begin(eve)
    assert pyotp.parse_uri(address).secret == secret
    wrong = confirm(eve, secret, address, "000000x")
    assert (wrong.status_code, "The code is wrong" in wrong.text) == (422, True)
    assert secret in wrong.text
    page = confirm(eve, secret, address, make_code(secret))
    codes = re.findall(r"<code>([0-9a-f]{5}-[0-9a-f]{5})</code>", page.text)
    assert len(set(codes)) == 10
    eve.post("/logout", "/preferences")
    form = {"user": "eve", "password": PASSWORD}
    page = eve.post("/login?next=/preferences", "/login", data=form)
    assert page.url.endswith("/login/code")
    assert "/login" in eve.get("/preferences").url
    eve.post("/login?next=/preferences", "/login", data=form)
    page = eve.post("/login/code", "/login/code", data={"code": "wrong"})
    assert (page.status_code, "The code is wrong" in page.text) == (401, True)
    page = eve.post("/login/code", "/login/code", data={"code": make_code(secret, 1)})
    assert page.url.endswith("/preferences")
    eve.post("/logout", "/preferences")
    assert eve.log_in("eve", PASSWORD).url.endswith("/login/code")
    page = eve.post("/login/code", "/login/code", data={"code": codes[0]})
    assert page.url.endswith("/xrays")


def test_locked_page_needs_the_password_alone(eve: Visitor, stack: Stack) -> None:
    """The session was opened with a code; it goes on."""
    secret, address = begin(eve)
    confirm(eve, secret, address, make_code(secret))
    leave(eve, stack)
    assert eve.get("/preferences").url.endswith("/unlock?next=/preferences")
    wrong = eve.post("/unlock", "/unlock", data={"password": "a guess"})
    assert wrong.status_code == 403
    page = eve.post("/unlock?next=/preferences", "/unlock", data={"password": PASSWORD})
    assert page.url.endswith("/preferences")


def test_site_that_requires_it_leads_there(eve: Visitor, doctor: Visitor, stack: Stack) -> None:
    """From any page, until it is set up; the admin who required it, too."""
    page = doctor.post("/site/second-factor", "/site", data={"required": "on"})
    assert page.url.endswith("/second-factor")
    page = eve.get("/xrays")
    assert page.url.endswith("/second-factor")
    assert "This site requires it" in page.text
    secret, address = begin(eve)
    confirm(eve, secret, address, make_code(secret))
    assert eve.get("/xrays").url.endswith("/xrays")
    assert "Remove the second factor" not in eve.get("/second-factor").text
    connect(stack).delete("site:second-factor")


def test_wrong_password_begins_and_removes_nothing(eve: Visitor) -> None:
    """The session goes on."""
    for path in ("/second-factor", "/second-factor/remove"):
        page = eve.post(path, "/second-factor", data={"password": "a guess"})
        assert (page.status_code, "The password is wrong." in page.text) == (403, True)
    assert eve.get("/second-factor").status_code == 200


def test_qr_code_needs_nothing_from_elsewhere_and_no_inline_style() -> None:
    """It is drawn here, and the Content-Security-Policy allows it."""
    svg = str(draw("otpauth://totp/Pneumonia%20detection:eve?secret=ABC&issuer=x"))
    assert svg.startswith("<svg") and "viewBox" in svg
    assert not re.search(r"style|script|href|url\(|<image", svg)
