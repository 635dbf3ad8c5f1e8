"""Who may see the pages: log in, return, log out, and the answers to scripts."""

from pathlib import Path

import pytest
import requests

from pneumonia_web.api_client import say_seconds
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack


def test_pages_ask_to_log_in_first_and_return(stack: Stack) -> None:
    """A bookmark leads through log-in back to its page; never to a bare picture or another site."""
    visitor = Visitor(stack.url)
    page = visitor.get("/xrays?decision=normal")
    assert "/login?next=" in page.url
    for target, expected in (
        ("/xrays?decision%3Dnormal", "/xrays?decision=normal"),
        (f"/xrays/{'0' * 32}", f"/xrays/{'0' * 32}"),
        (f"/xrays/{'0' * 32}/preview", "/xrays"),
        ("/xrays/../logout", "/xrays"),
        ("//evil.example", "/xrays"),
        ("/%5Cevil.example", "/xrays"),
        ("/%09/evil.example", "/xrays"),
        ("/xrays%0a", "/xrays"),
        ("https://evil.example", "/xrays"),
    ):
        data = {"user": stack.user, "password": stack.password}
        answer = visitor.post(f"/login?next={target}", "/login", data=data, allow_redirects=False)
        assert answer.headers["Location"] == expected
    visitor.session.close()


def test_wrong_password_is_said_on_the_form(stack: Stack) -> None:
    """The name stays, the password does not."""
    visitor = Visitor(stack.url)
    page = visitor.log_in("nobody", "wrong-password")
    assert page.status_code == 401
    assert "The name or the password is wrong." in page.text
    assert 'value="nobody"' in page.text
    assert "wrong-password" not in page.text
    assert visitor.log_in("", "").status_code == 422
    visitor.session.close()


def test_log_out_ends_the_session_at_the_api(doctor: Visitor) -> None:
    """A copied cookie is useless after log-out."""
    cookies = dict(doctor.session.cookies)
    doctor.post("/logout", "/xrays")
    thief = requests.get(f"{doctor.url}/xrays", cookies=cookies, allow_redirects=False, timeout=5)
    assert thief.status_code == 302
    assert "/login" in thief.headers["Location"]


def test_forms_without_their_token_are_refused(doctor: Visitor, samples: list[Path]) -> None:
    """Another site cannot make a browser upload or delete."""
    answer = doctor.session.post(
        f"{doctor.url}/xrays", files={"xray": samples[0].read_bytes()}, timeout=5
    )
    assert answer.status_code == 400
    assert "reload" in answer.text


def test_preview_is_no_place_to_return_to(stack: Stack) -> None:
    """A request for a preview without a session leads to log-in, and from there to the worklist."""
    page = requests.get(f"{stack.url}/xrays/{'0' * 32}/preview", timeout=5)
    assert page.url == f"{stack.url}/login"


def test_search_survives_log_in(stack: Stack) -> None:
    """The search text is kept, whatever characters it has."""
    visitor = Visitor(stack.url)
    target = visitor.get("/xrays?q=Stra\u00dfe+7").url.partition("/login?")[2]
    data = {"user": stack.user, "password": stack.password}
    page = visitor.post(f"/login?{target}", "/login", data=data)
    assert 'value="Stra\u00dfe 7"' in page.text
    visitor.session.close()


def test_scripts_get_an_answer_when_the_session_has_ended(stack: Stack) -> None:
    """They keep the page, so neither a refresh nor an upload is sent elsewhere."""
    url = f"{stack.url}/xrays"
    refresh = requests.get(url, headers={"HX-Request": "true"}, timeout=5)
    assert (refresh.status_code, refresh.text) == (401, "")
    assert "HX-Redirect" not in refresh.headers
    upload = requests.post(url, headers={"Accept": "application/json"}, timeout=5)
    assert upload.status_code == 401
    assert upload.json() == {"error": "Your session has ended; log in again."}


def test_too_many_failures_say_when_to_try_again(stack: Stack) -> None:
    """The API's Retry-After reaches the browser, as a header and in the sentence."""
    visitor = Visitor(stack.url)
    for _ in range(10):
        assert visitor.log_in("flooded", "wrong-password").status_code == 401
    page = visitor.log_in("flooded", "wrong-password")
    assert page.status_code == 429
    assert f"; try again in {say_seconds(int(page.headers['Retry-After']))}." in page.text
    visitor.session.close()


@pytest.mark.parametrize(
    ("seconds", "text"), [(1, "1 second"), (119, "119 seconds"), (121, "3 minutes")]
)
def test_times_to_wait_are_never_too_short(seconds: int, text: str) -> None:
    """Minutes are rounded up."""
    assert say_seconds(seconds) == text
