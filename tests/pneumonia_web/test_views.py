"""The pages, through nginx, as a browser without scripts sees them."""

import html
import io
import re
import time
from pathlib import Path

import pytest
import requests
from PIL import Image

from pneumonia_web.app import create_app, percent
from pneumonia_web.config import ConfigError
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack


def read_film(doctor: Visitor, path: str) -> requests.Response:
    """The film, which follows the result; for five seconds at most."""
    for _ in range(100):
        answer = doctor.get(path)
        if answer.status_code != 404:
            return answer
        time.sleep(0.05)
    raise AssertionError("no film")


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
        "threshold",
        "Model version",
        "Age not in the file: valid only for ages 1 to 120",
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
    film = read_film(doctor, page.url.removeprefix(doctor.url) + "/film")
    assert film.headers["Content-Type"] == "image/png"
    assert set(film.headers["Cache-Control"].split(", ")) == {
        "private",
        "max-age=3600",
        "immutable",
    }
    with Image.open(samples[3]) as sent, Image.open(io.BytesIO(film.content)) as kept:
        assert kept.mode == "L"
        assert kept.size == sent.size
    assert "Study & 1" in html.unescape(doctor.get("/xrays?q=study+%26").text)


def test_rejected_xray_says_why(doctor: Visitor) -> None:
    """The reason and what to do, on a page with status 415 or on the record's page."""
    page = doctor.post("/xrays", "/xrays", files={"xray": ("a.jpg", b"text", "image/jpeg")})
    assert page.status_code == 415
    assert "This is not a JPEG" in page.text


def test_refresh_sends_rows_only_when_they_changed(doctor: Visitor) -> None:
    """204 keeps the page and the keyboard focus as they are."""
    rows = doctor.get("/xrays", headers={"HX-Request": "true"})
    assert rows.status_code == 200
    assert "<html" not in rows.text
    seen = re.search(r"seen=([0-9a-f]{16})", rows.text)
    assert seen
    again = doctor.get(f"/xrays?seen={seen[1]}", headers={"HX-Request": "true"})
    assert again.status_code == 204


def test_too_large_file_is_answered_not_reset(doctor: Visitor) -> None:
    """30 MB through nginx: 413 and a sentence."""
    big = {"xray": ("big.png", b"\x89PNG" + bytes(30 * 1024 * 1024), "image/png")}
    answer = doctor.post("/xrays", "/xrays", files=big)
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_limit_is_the_files_own(doctor: Visitor, samples: list[Path]) -> None:
    """The form around it does not count: a file just under 25 MB is judged, one just above not."""
    image = samples[5].read_bytes()
    limit = 25 * 1024 * 1024
    for size, status, said in (
        (limit - 1024, 200, "probability of pneumonia"),
        (limit + 1, 413, "The file is larger than 25\N{NO-BREAK SPACE}MB"),
        (limit + 100_000, 413, "The file is larger than 25\N{NO-BREAK SPACE}MB"),
    ):
        file = {"xray": ("a.jpg", image + bytes(size - len(image)), "image/jpeg")}
        page = doctor.post("/xrays", "/xrays", files=file)
        assert page.status_code == status
        assert said in page.text


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
    assert answer.headers["Referrer-Policy"] == "strict-origin"
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
    """The proxy exposes no API route, with or without the key."""
    for path in ("/v1/xrays", "/v1/model", "/metrics", "/openapi.json"):
        answer = requests.get(stack.url + path, headers=stack.headers, timeout=5)
        assert answer.status_code == 404


def test_api_out_of_reach_is_one_sentence() -> None:
    """The page says what to do, and shows no traceback."""
    app = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s", "COOKIE_SECURE": "1"})
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"  # the cookie travels over TLS alone
    answer = client.post("/login", data={"user": "a", "password": "b"})
    assert answer.status_code == 503
    assert "The service is not responding; try again in 30 seconds." in answer.text
    assert answer.headers["Retry-After"] == "30"
    with client.session_transaction() as session:
        session["token"] = session["user"] = "t"
        session["active"] = time.time()
    answer = client.get("/xrays")
    assert answer.status_code == 503
    assert "is not responding" in answer.text
    part = client.get("/xrays", headers={"HX-Request": "true"})
    assert part.status_code == 503
    assert part.mimetype == "text/plain"
    assert part.text == "The service is not responding; try again in 30 seconds."
    assert part.headers["Retry-After"] == "30"
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
    """No probability is shown as 0 % or 100 %."""
    assert percent(probability) == text
