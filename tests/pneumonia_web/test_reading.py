"""The reader's own reading, as a browser without scripts records it and sees it."""

import html
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from PIL import Image

from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack

Send = Callable[[str], str]

PART = {"HX-Request": "true"}


@pytest.fixture
def send(doctor: Visitor, samples: list[Path]) -> Send:
    """Upload an X-ray of its own by the form; the path of its result."""

    def upload(mark: str) -> str:
        file = ("a.jpeg", samples[8].read_bytes() + mark.encode(), "image/jpeg")
        page = doctor.post("/xrays", "/xrays", files={"xray": file}, data={"reference": mark})
        return page.url.removeprefix(doctor.url)

    return upload


def read_text(page: requests.Response) -> str:
    """The visible text of a page, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def flat_png() -> bytes:
    """A picture that is no chest X-ray."""
    buffer = io.BytesIO()
    Image.new("L", (400, 400), 90).save(buffer, "PNG")
    return buffer.getvalue()


def find_pressed(page: requests.Response) -> list[str]:
    """The answers that are shown as given."""
    return re.findall(r'id="reading-(\w+)"[^>]*aria-pressed="true"', page.text)


def test_reading_is_sent_by_form_and_can_be_changed(doctor: Visitor, send: Send) -> None:
    """Nothing is chosen beforehand; the page then says what was recorded, by whom, and the note."""
    path = send("form-review")
    fresh = doctor.get(path)
    assert find_pressed(fresh) == []
    assert "Recorded by" not in fresh.text
    said = {"label": "normal", "note": "<b>Rotated</b>\tfilm "}
    page = doctor.post(f"{path}/review", path, data=said)
    assert page.url == f"{doctor.url}{path}#reading"
    assert find_pressed(page) == ["normal"]
    assert "Normal , disagrees with the AI result" in read_text(page)
    assert "Recorded by you, " in read_text(page)
    assert html.escape("“<b>Rotated</b> film”") in page.text
    page = doctor.post(f"{path}/review", path, data={"label": "pneumonia"})
    assert find_pressed(page) == ["pneumonia"]
    assert "Pneumonia , agrees with the AI result" in read_text(page)
    assert "Rotated" not in page.text


def test_enter_in_the_note_cannot_agree(doctor: Visitor, send: Send) -> None:
    """A browser presses a form's first button then: it is off until there is a reading to keep."""
    path = send("enter-review")
    first = re.compile(r'<button hidden name="label" value="(\w*)" ?(disabled)?')
    assert first.findall(doctor.get(path).text) == [("", "disabled")]
    page = doctor.post(f"{path}/review", path, data={"label": "unsure"})
    assert first.findall(page.text) == [("unsure", "")]


def test_script_gets_its_part_of_the_page(doctor: Visitor, send: Send) -> None:
    """The panel alone when it was saved, the bare sentence when not."""
    path = send("part-review")
    part = doctor.post(f"{path}/review", path, data={"label": "unsure"}, headers=PART)
    assert part.status_code == 200
    assert part.text.strip().startswith('<section id="reading"')
    wrong = doctor.post(f"{path}/review", path, data={"label": "ill"}, headers=PART)
    assert wrong.status_code == 422
    assert wrong.text == "label: Choose pneumonia, normal or unsure."


def test_foreign_form_records_nothing(doctor: Visitor, send: Send) -> None:
    """Another site cannot make a browser record a reading."""
    path = send("forged-review")
    url = f"{doctor.url}{path}/review"
    assert doctor.session.post(url, data={"label": "normal"}, timeout=5).status_code == 400
    assert find_pressed(doctor.get(path)) == []


def test_reading_of_another_is_shown_not_taken_over(
    doctor: Visitor, send: Send, stack: Stack
) -> None:
    """It is shown with their name; the form does not take over their reading and note."""
    path = send("other-review")
    review = {"label": "unsure", "note": "Ask Ann"}
    url = f"{stack.api_url}/v1{path}/review"
    assert requests.put(url, json=review, headers=stack.headers, timeout=5).status_code == 200
    page = doctor.get(path)
    assert "Recorded by machine, " in read_text(page)
    assert "Your reading will replace it." in page.text
    assert "“Ask Ann”" in page.text
    assert 'value="Ask Ann"' not in page.text
    assert "Save note" not in page.text
    assert find_pressed(page) == []


def test_reading_of_what_is_gone_says_so(doctor: Visitor, send: Send) -> None:
    """A late response leads to a sentence, not to an unhandled error."""
    path = send("gone-review")
    doctor.post(f"{path}/delete", path)
    page = doctor.post(f"{path}/review", "/xrays", data={"label": "normal"})
    assert page.status_code == 404
    assert "There is no X-ray with this id" in page.text


def test_worklist_shows_readings_and_what_is_left(doctor: Visitor, send: Send) -> None:
    """Next to the AI result, with any difference in words, too; filters and search find them."""
    left, agreed, differs = (send(f"List {word}") for word in ("left", "agreed", "differs"))
    doctor.post(f"{agreed}/review", agreed, data={"label": "pneumonia"})
    doctor.post(f"{differs}/review", differs, data={"label": "normal", "note": "Kerley lines"})
    waiting = doctor.get("/xrays?reviewed=false")
    assert left in waiting.text
    assert agreed not in waiting.text
    assert "To review" in waiting.text
    assert re.search(r'value="false"\s+selected', waiting.text)
    reviewed = doctor.get("/xrays?reviewed=true")
    assert left not in reviewed.text
    assert "Pneumonia , agrees with the AI result" in read_text(reviewed)
    assert "Normal , disagrees with the AI result" in read_text(reviewed)
    found = doctor.get("/xrays?q=kerley")
    assert differs in found.text
    assert agreed not in found.text
    assert "reviewed=false" in doctor.get("/xrays?reviewed=false", headers=PART).text


def test_to_review_is_what_was_judged(doctor: Visitor) -> None:
    """A rejected image has no AI result to review, so it is not listed."""
    doctor.post("/xrays", "/xrays", files={"xray": ("a.png", flat_png(), "image/png")})
    rejected = re.findall(
        r'href="(/xrays/[0-9a-f]{32})"', doctor.get("/xrays?status=rejected").text
    )
    assert rejected
    waiting = doctor.get("/xrays?reviewed=false").text
    assert not [path for path in rejected if path in waiting]
