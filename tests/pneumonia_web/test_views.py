"""The pages, through nginx, as a browser without scripts sees them."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pneumonia_web.app import create_app, percent
from pneumonia_web.config import ConfigError
from tests.stack import Stack

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """A browser without scripts: cookies, forms and their CSRF token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def get(self, path: str, **options: object) -> requests.Response:
        """Follow a link."""
        return self.session.get(self.url + path, timeout=40, **options)

    def post(self, path: str, page: str, **options: object) -> requests.Response:
        """Send the form that stands on `page`."""
        found = TOKEN.search(self.get(page).text)
        headers = {"X-CSRFToken": found[1], "Referer": self.url} if found else {}
        return self.session.post(self.url + path, headers=headers, timeout=40, **options)

    def log_in(self, user: str, password: str) -> requests.Response:
        """Log in by the form."""
        return self.post("/login", "/login", data={"user": user, "password": password})


@pytest.fixture
def doctor(stack: Stack) -> Iterator[Visitor]:
    """A logged-in visitor."""
    visitor = Visitor(stack.url)
    assert visitor.log_in(stack.user, stack.password).url.endswith("/xrays")
    yield visitor
    visitor.session.close()


def test_upload_by_form_shows_the_result(doctor: Visitor, samples: list[Path]) -> None:
    """Everything that a reader needs is on the result page, and nothing of the file's name."""
    file = ("DOE-JANE.jpeg", samples[3].read_bytes() + b"form", "image/jpeg")
    data = {"reference": "<b>Study & 1</b>"}
    page = doctor.post("/xrays", "/xrays", files={"xray": file}, data=data)
    assert page.status_code == 200
    assert re.search(r"/xrays/[0-9a-f]{32}$", page.url)
    text = html.unescape(page.text)
    for expected in (
        "probability of pneumonia",
        "threshold of",
        "Model version",
        "Children aged 1 to 5",
        "Not a medical device",
        "data-heatmap",
        "<b>Study & 1</b>",
    ):
        assert expected in text, expected
    assert "<b>Study" not in page.text
    assert "DOE" not in page.text
    preview = doctor.get(page.url.removeprefix(doctor.url) + "/preview")
    assert preview.headers["Content-Type"] == "image/jpeg"
    assert "private" in preview.headers["Cache-Control"]
    assert "Study & 1" in html.unescape(doctor.get("/xrays?q=study+%26").text)


def test_rejected_xray_says_why(doctor: Visitor) -> None:
    """The reason and what to do, on a page with status 415 or on the record's page."""
    page = doctor.post("/xrays", "/xrays", files={"xray": ("a.jpg", b"text", "image/jpeg")})
    assert page.status_code == 415
    assert "export the X-ray as one" in page.text


def test_pages_ask_to_log_in_first_and_return(stack: Stack) -> None:
    """A bookmark leads through log-in back to its page; never to another site."""
    visitor = Visitor(stack.url)
    page = visitor.get("/xrays?decision=normal")
    assert "/login?next=" in page.url
    for target, expected in (
        ("/xrays?decision%3Dnormal", "/xrays?decision=normal"),
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
    """A copied cookie opens nothing after log-out."""
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


def test_refresh_sends_rows_only_when_they_changed(doctor: Visitor) -> None:
    """204 keeps the page, and the keyboard's place in it, as it is."""
    rows = doctor.get("/xrays", headers={"HX-Request": "true"})
    assert rows.status_code == 200
    assert "<html" not in rows.text
    seen = re.search(r"seen=([0-9a-f]{16})", rows.text)
    assert seen
    again = doctor.get(f"/xrays?seen={seen[1]}", headers={"HX-Request": "true"})
    assert again.status_code == 204


def test_refresh_after_the_session_ended_goes_to_log_in(stack: Stack) -> None:
    """A worklist left open over night leads to the log-in page by itself."""
    answer = requests.get(f"{stack.url}/xrays", headers={"HX-Request": "true"}, timeout=5)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login"


def test_too_large_file_is_answered_not_reset(doctor: Visitor) -> None:
    """30 MB through nginx: 413 and a sentence."""
    big = {"xray": ("big.png", b"\x89PNG" + bytes(30 * 1024 * 1024), "image/png")}
    answer = doctor.post("/xrays", "/xrays", files=big)
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_deleted_xray_is_gone(doctor: Visitor, samples: list[Path]) -> None:
    """Deleting leads back to the worklist, which says so."""
    file = {"xray": ("a.jpg", samples[4].read_bytes() + b"delete", "image/jpeg")}
    page = doctor.post("/xrays", "/xrays", files=file)
    path = page.url.removeprefix(doctor.url)
    after = doctor.post(f"{path}/delete", path)
    assert "were deleted" in after.text
    gone = doctor.get(path)
    assert gone.status_code == 404
    assert "There is no X-ray with this id" in gone.text
    assert doctor.get(f"{path}%252Fpreview").status_code == 404  # one X-ray, no other route


def test_pages_carry_protecting_headers(stack: Stack) -> None:
    """No foreign script, frame or type guess; no page kept by the browser; cookie out of reach."""
    answer = requests.get(f"{stack.url}/login", timeout=5)
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "nginx/" not in answer.headers["Server"]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_no_page_loads_anything_from_elsewhere(doctor: Visitor) -> None:
    """Hospital networks are closed: every address on the page is a path of this server."""
    addresses = re.findall(r'(?:src|href|action)="([^"]*)"', doctor.get("/xrays").text)
    assert addresses
    assert all(address.startswith(("/", "#")) for address in addresses)


def test_nginx_passes_nothing_of_the_api(stack: Stack) -> None:
    """What the internet reaches has no API routes, with or without the key."""
    for path in ("/v1/xrays", "/v1/model", "/metrics", "/openapi.json"):
        answer = requests.get(stack.url + path, headers=stack.headers, timeout=5)
        assert answer.status_code == 404


def test_api_out_of_reach_is_one_sentence() -> None:
    """The page says what to do; nobody sees a traceback."""
    app = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s", "COOKIE_SECURE": "1"})
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"  # the cookie travels over TLS alone
    answer = client.post("/login", data={"user": "a", "password": "b"})
    assert answer.status_code == 503
    assert "try again in half a minute" in answer.text
    with client.session_transaction() as session:
        session["token"] = session["user"] = "t"
    answer = client.get("/xrays")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert "Secure" in app.test_client().get("/login").headers["Set-Cookie"]


def test_required_settings_have_no_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It dies at start and names what is missing."""
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    for name in ("API_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="SECRET_KEY"):
        create_app({"API_URL": "http://127.0.0.1:1"})
    with pytest.raises(ConfigError, match="API_URL"):
        create_app({"SECRET_KEY": "s"})


@pytest.mark.parametrize(
    ("probability", "text"), [(0.0, "< 1 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.999, "> 99 %")]
)
def test_percent_never_claims_certainty(probability: float, text: str) -> None:
    """Nothing is 0 % or 100 %."""
    assert percent(probability) == text
