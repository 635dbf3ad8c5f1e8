"""Static files: compressed, cached for good under the digest of their content, and nobody's own."""

import re
import shutil
from html import unescape
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from pneumonia_web.app import STATIC, create_app
from pneumonia_web.assets import read_assets, serve_assets
from tests.pneumonia_web.idle_session import leave
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack

IMMUTABLE = "public, max-age=31536000, immutable"
ADDRESS = re.compile(r'(?:src|href)="(/static/[^"]+)"')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the static files, for a release to replace."""
    return Path(shutil.copytree(STATIC, tmp_path / "static"))


def start(folder: Path) -> tuple[FlaskClient, str]:
    """A web process that has just started with `folder`, and its address of the style sheet."""
    app = Flask(__name__, static_folder=None)
    serve_assets(app, read_assets(folder))
    with app.test_request_context():
        return app.test_client(), app.url_for("static", filename="style.css")


def test_every_text_is_compressed(stack: Stack) -> None:
    """nginx compresses every static file of a page, for caches of clients with and without gzip.

    The font is compressed by its own format.
    """
    for name in (file.name for file in STATIC.iterdir() if file.suffix != ".woff2"):
        answers = {
            coding: requests.get(
                f"{stack.url}/static/{name}",
                headers={"Accept-Encoding": coding, "Via": "1.1 hospital"},
                timeout=5,
                stream=True,
            )
            for coding in ("gzip", "identity")
        }
        bodies = {coding: answer.raw.read() for coding, answer in answers.items()}
        assert answers["gzip"].headers.get("Content-Encoding") == "gzip", name
        assert "Content-Encoding" not in answers["identity"].headers
        assert len(bodies["gzip"]) < 0.7 * len(bodies["identity"]), name
        assert bodies["identity"] == read_assets(STATIC)[name].content
        for answer in answers.values():
            assert "Accept-Encoding" in answer.headers["Vary"]


def test_page_that_repeats_its_query_is_not_compressed(doctor: Visitor) -> None:
    """Its compressed length would show whether the query repeats a secret of the page (BREACH)."""
    assert doctor.get("/xrays").headers["Content-Encoding"] == "gzip"
    for query in ("q=Study", "cursor=Study", "decision=Study&q=", "Study"):
        answer = doctor.get(f"/xrays?{query}")
        assert answer.status_code in (200, 422)
        assert "Content-Encoding" not in answer.headers, query


def test_log_in_page_repeats_nothing_of_its_query(stack: Stack) -> None:
    """It is compressed with any query."""
    answer = requests.get(f"{stack.url}/login?next=/xrays&q=repeated", timeout=5)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "repeated" not in answer.text


def test_pages_load_immutable_files(doctor: Visitor) -> None:
    """Each static address of a page says that it never changes, and is sent only once."""
    addresses = {unescape(found) for found in ADDRESS.findall(doctor.get("/xrays").text)}
    assert len(addresses) == 12
    for address in addresses:
        answer = doctor.get(address)
        assert answer.headers["Cache-Control"] == IMMUTABLE, address
        tag = answer.headers["ETag"]
        again = doctor.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["Cache-Control"] == IMMUTABLE


def test_public_answers_carry_no_session(doctor: Visitor, stack: Stack) -> None:
    """A shared cache would hand the cookie of one reader to the next; pages renew it."""
    leave(doctor, stack, 60)
    page = doctor.get("/xrays")
    assert "Set-Cookie" in page.headers
    assert "Cookie" in page.headers["Vary"]
    for address in (*ADDRESS.findall(page.text), "/static/page.js"):
        leave(doctor, stack, 60)
        answer = doctor.get(unescape(address))
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        # The font is the same for every client.
        assert answer.headers.get("Vary") == (None if ".woff2" in address else "Accept-Encoding")


def test_answers_for_one_person_are_not_stored(doctor: Visitor, samples: list[Path]) -> None:
    """Pages, their parts, redirects, refusals and the answer to an upload."""
    file = {"xray": ("a.jpg", samples[2].read_bytes() + b"stored", "image/jpeg")}
    sent = doctor.post("/xrays", "/xrays", files=file, headers={"Accept": "application/json"})
    address = sent.json()["url"]
    part = {"HX-Request": "true"}
    for answer in (
        sent,
        doctor.get("/xrays"),
        doctor.get("/xrays", headers=part),
        doctor.get(address),
        doctor.get(address, headers=part),
        doctor.get("/", allow_redirects=False),
        doctor.get("/xrays/0", headers=part),
        doctor.get("/static/missing.js"),
    ):
        assert answer.headers["Cache-Control"] == "no-store", answer.url


def test_worklist_carries_no_heat_maps(doctor: Visitor, samples: list[Path]) -> None:
    """They are most of a record; only the page of one X-ray draws one."""
    file = {"xray": ("a.jpg", samples[2].read_bytes() + b"heat", "image/jpeg")}
    page = doctor.post("/xrays", "/xrays", files=file)
    assert "data-heatmap" in page.text
    listed = doctor.get("/xrays").text
    assert page.url.removeprefix(doctor.url) in listed
    assert "heatmap" not in listed.replace("heatmap.js", "")


def test_changed_file_has_another_address(folder: Path) -> None:
    """A release that changes one file changes its address and no other."""
    _, before = start(folder)
    assert start(folder)[1] == before
    (folder / "page.js").write_text("changed")
    assert start(folder)[1] == before
    (folder / "style.css").write_text("changed")
    assert start(folder)[1] != before


def test_old_address_after_a_release_is_asked_for_again(folder: Path) -> None:
    """The page of the old release gets the new file, which nothing stores under the old digest."""
    _, old = start(folder)
    (folder / "style.css").write_text("changed")
    client, new = start(folder)
    for address in (old, "/static/style.css"):
        answer = client.get(address)
        assert answer.text == "changed"
        assert answer.headers["Cache-Control"] == "no-cache"
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert client.get(address, headers=tag).status_code == 304
    assert client.get(new).headers["Cache-Control"] == IMMUTABLE


def test_release_under_a_running_process_is_not_served_by_it(folder: Path) -> None:
    """The old digest stays with the old content until the process is started again."""
    client, address = start(folder)
    content = client.get(address).data
    (folder / "style.css").write_text("changed")
    answer = client.get(address)
    assert answer.data == content
    assert answer.headers["Cache-Control"] == IMMUTABLE
    (folder / "style.css").unlink()
    assert client.get(address).data == content


def test_static_files_name_no_other(folder: Path) -> None:
    """A reference inside a file has no digest: it would not change with what it refers to.

    The style sheet names the font, and gets its digest when it is read.
    """
    for file in folder.iterdir():
        if not file.name.startswith("htmx") and file.suffix != ".woff2":
            text = file.read_text().replace('url("inter-5.3.0.woff2")', "")
            assert not re.search(r"\bimport\b|url\(|@import|/static/", text), file.name


def test_style_sheet_changes_with_the_font(folder: Path) -> None:
    """It names the font by the address that the page preloads, so the font is loaded once."""
    client, before = start(folder)
    named = re.search(r'url\("([^"]+)"\)', client.get(before).text)
    assert named
    answer = client.get(f"/static/{named[1]}")
    assert answer.mimetype == "font/woff2"
    assert answer.headers["Cache-Control"] == IMMUTABLE
    with client.application.test_request_context():
        address = client.application.url_for("static", filename="inter-5.3.0.woff2")
    assert address == f"/static/{named[1]}"
    (folder / "inter-5.3.0.woff2").write_bytes(b"changed")
    assert start(folder)[1] != before
    (folder / "inter-5.3.0.woff2").unlink()
    with pytest.raises(KeyError):
        read_assets(folder)


def test_page_without_its_film_is_light(doctor: Visitor, samples: list[Path]) -> None:
    """What a browser loads before the film: below 300 KB, compressed as it is sent."""
    file = {"xray": ("a.jpg", samples[2].read_bytes() + b"light", "image/jpeg")}
    page = doctor.post("/xrays", "/xrays", files=file)
    total = 0
    for address in (page.url.removeprefix(doctor.url), *map(unescape, ADDRESS.findall(page.text))):
        answer = doctor.session.get(doctor.url + address, stream=True, timeout=5)
        total += len(answer.raw.read(decode_content=False))
    assert 60_000 < total < 300_000


def test_missing_and_foreign_files_are_not_found() -> None:
    """Only what was in the folder is served, whatever the path."""
    client = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s"}).test_client()
    assert client.get("/static/style.css").status_code == 200
    for path in ("missing.js", "../app.py", "%2e%2e/app.py", "", "x/style.css"):
        assert client.get(f"/static/{path}").status_code == 404


def test_text_has_five_sizes() -> None:
    """A reader tells no more than these apart; large screens enlarge all of them."""
    sheet = "".join(file.read_text() for file in STATIC.glob("*.css"))
    sizes = set(re.findall(r"font-size: ([^;}]+?) *[;}]", sheet))
    of_the_root = {size for size in sizes if size.endswith("%")}
    named = {f"var(--{name})" for name in ("small", "text-size", "lead", "title", "verdict")}
    assert sizes - of_the_root == named
