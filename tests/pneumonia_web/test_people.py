"""The pages of people: invitations, one-time links, roles, sessions and passwords."""

import re
from collections.abc import Iterator
from html import unescape

import pytest

from pneumonia_api.accounts import Accounts
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

PASSWORD = "a longer password"


@pytest.fixture(autouse=True)
def accounts(stack: Stack) -> Iterator[Accounts]:
    """The stack's accounts, of which only the first stays."""
    client = connect(stack)
    found = Accounts(client, 600)
    yield found
    for name in found.list_users():
        if name != stack.user:
            found.delete(name)
    client.close()


@pytest.fixture
def visitor(stack: Stack) -> Iterator[Visitor]:
    """Somebody else's browser."""
    browser = Visitor(stack.url)
    yield browser
    browser.session.close()


def invite(doctor: Visitor, user: str, *roles: str) -> str:
    """Send the form; returns the path of the link that the page shows."""
    page = doctor.post("/people", "/people", data={"user": user, **dict.fromkeys(roles, "on")})
    return read_link(doctor, page.text)


def read_link(doctor: Visitor, page: str) -> str:
    """The path of the link on the page."""
    [url] = re.findall(r"<code>(http[^<]+)</code>", page)
    assert url.startswith(f"{doctor.url}/join?link=")
    return unescape(url.removeprefix(doctor.url))


def choose(visitor: Visitor, path: str, password: str = PASSWORD, repeated: str = "") -> str:
    """Open a link and send its form; returns the page that follows."""
    form = {"link": path.rpartition("=")[2], "password": password, "repeated": repeated or password}
    return visitor.post("/join", path, data=form).text


def change(doctor: Visitor, user: str, action: str, **more: str) -> str:
    """Press a button of the list; returns the page that follows."""
    form = {"user": user, "action": action, **more}
    return doctor.post("/people/change", "/people", data=form).text


def test_who_is_invited_logs_in_with_the_roles_that_were_chosen(
    doctor: Visitor, visitor: Visitor
) -> None:
    """By a link that is shown once and works once; the address of the link opens nothing."""
    path = invite(doctor, "eve", "ml_engineer")
    secret = path.rpartition("=")[2]
    assert secret not in doctor.get("/people").text
    assert "Choose a password" in visitor.get(path).text
    assert "log in as eve" in choose(visitor, path)
    assert visitor.log_in("eve", PASSWORD).url.endswith("/site")
    refused = visitor.get("/xrays")
    assert (refused.status_code, "Your roles do not allow that" in refused.text) == (403, True)
    assert "This link was used" in choose(visitor, path, "another password")
    listed = doctor.get("/people").text
    assert "eve" in listed and "ML engineer" in listed and "1 open session" in listed


def test_two_passwords_that_differ_are_refused(doctor: Visitor, visitor: Visitor) -> None:
    """And one that is too short; the link still works."""
    path = invite(doctor, "eve", "clinician")
    assert "not the same" in choose(visitor, path, repeated="another password")
    assert "Use 8 to 256 characters." in choose(visitor, path, "short")
    assert "log in as eve" in choose(visitor, path)


def test_admin_resets_disables_and_ends_sessions(
    doctor: Visitor, visitor: Visitor, accounts: Accounts
) -> None:
    """Each by one button."""
    accounts.set_password("eve", PASSWORD)
    visitor.log_in("eve", PASSWORD)
    assert visitor.get("/xrays").url.endswith("/xrays")
    assert "All sessions of eve were ended." in change(doctor, "eve", "end")
    assert "/login" in visitor.get("/xrays").url
    choose(visitor, read_link(doctor, change(doctor, "eve", "link")), "the new password")
    assert visitor.log_in("eve", PASSWORD).status_code == 401
    assert visitor.log_in("eve", "the new password").status_code == 200
    assert "eve can no longer log in." in change(doctor, "eve", "disable")
    assert visitor.log_in("eve", "the new password").status_code == 401
    assert "eve can log in again." in change(doctor, "eve", "enable")
    assert "The roles of eve were saved." in change(doctor, "eve", "roles", lead="on", admin="on")
    assert visitor.log_in("eve", "the new password").status_code == 200
    assert visitor.get("/people").status_code == 200


def test_refused_invitation_keeps_what_was_typed(doctor: Visitor, stack: Stack) -> None:
    """A name that is taken, one of a program, nobody's role."""
    for user, roles, problem in (
        (stack.user, ["lead"], "There is a person with this name."),
        ("machine", ["lead"], "not the name of a program"),
        ("eve", [], "Choose at least one role."),
    ):
        data = {"user": user, **dict.fromkeys(roles, "on")}
        page = doctor.post("/people", "/people", data=data)
        assert problem in page.text and f'value="{user}"' in page.text
        assert "/join?link=" not in page.text


def test_people_change_their_own_password(visitor: Visitor, accounts: Accounts) -> None:
    """They stay logged in; a wrong one is no end of the session."""
    accounts.set_password("eve", PASSWORD)
    visitor.log_in("eve", PASSWORD)
    form = {"current": "a guess", "password": "the new one", "repeated": "the new one"}
    page = visitor.post("/password", "/password", data=form)
    assert (page.status_code, "The password is wrong." in page.text) == (403, True)
    page = visitor.post("/password", "/password", data={**form, "current": PASSWORD})
    assert "Your password was changed" in page.text and page.url.endswith("/preferences")
    assert visitor.get("/xrays").url.endswith("/xrays")
    assert visitor.log_in("eve", "the new one").status_code == 200


def test_an_admin_cannot_disable_themself(doctor: Visitor, stack: Stack) -> None:
    """The page offers it not, and refuses it."""
    assert "You cannot disable yourself" in change(doctor, stack.user, "disable")
    assert "You cannot disable yourself" in change(doctor, stack.user, "roles", clinician="on")
    assert doctor.get("/people").status_code == 200


def test_a_secret_reaches_no_log(doctor: Visitor, visitor: Visitor, stack: Stack) -> None:
    """Neither of Nginx, which sees the address, nor of the web and the API."""
    path = invite(doctor, "eve", "clinician")
    choose(visitor, path)
    secret = path.rpartition("=")[2]
    logs = [file.read_text() for file in (stack.var / "log").iterdir() if file.is_file()]
    assert any("/join" in text for text in logs)
    assert not any(secret in text for text in logs)
