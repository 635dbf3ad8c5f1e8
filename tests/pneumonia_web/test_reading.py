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
    page = doctor.answer(path, label="normal", note="<b>Rotated</b>\tfilm ")
    assert page.url == f"{doctor.url}{path}?film=seen#reading"
    assert find_pressed(page) == ["normal"]
    assert "No pneumonia , disagrees with the AI result" in read_text(page)
    assert "Recorded by you, " in read_text(page)
    assert html.escape("“<b>Rotated</b> film”") in page.text
    page = doctor.answer(path, label="pneumonia")
    assert find_pressed(page) == ["pneumonia"]
    text = read_text(page)
    assert "Pneumonia , agrees with the AI result Recorded by you" in text
    assert "All readings (2) No pneumonia “<b>Rotated</b> film” you, " in text
    assert "AI result shown, model" in text


def test_enter_in_the_note_cannot_agree(doctor: Visitor, send: Send) -> None:
    """A browser presses a form's first button then: it is off until there is a reading to keep."""
    path = send("enter-review")
    first = re.compile(r'<button hidden name="label" value="(\w*)" ?(disabled)?')
    assert first.findall(doctor.get(path).text) == [("", "disabled")]
    page = doctor.answer(path, label="unsure")
    assert first.findall(page.text) == [("unsure", "")]


def test_script_gets_its_part_of_the_page(doctor: Visitor, send: Send) -> None:
    """The panel alone when it was saved, the bare sentence when not."""
    path = send("part-review")
    hidden = doctor.read_hidden(path)
    part = doctor.send_answer(path, hidden, PART, label="unsure")
    assert part.status_code == 200
    assert part.text.strip().startswith('<section id="reading"')
    wrong = doctor.send_answer(path, hidden, PART, label="ill")
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
    assert "Reading of machine , " in read_text(page)
    assert "Yours will be kept next to it." in page.text
    assert "Recorded by you" not in page.text
    assert "“Ask Ann”" in page.text
    assert 'value="Ask Ann"' not in page.text
    assert "Save note" not in page.text
    assert find_pressed(page) == []
    assert 'value="withdrawn"' not in page.text
    both = read_text(doctor.answer(path, label="pneumonia"))
    assert "Reading of machine , " in both
    assert "read by machine" not in doctor.get("/xrays?q=other-review").text
    url = f"{stack.api_url}/v1{path}/review"
    requests.put(url, json={**review, "note": "Again"}, headers=stack.headers, timeout=5)
    assert "read by machine" in doctor.get("/xrays?q=other-review").text
    assert "Recorded by you, " in both


def test_answer_that_is_unaware_of_another_shows_it(doctor: Visitor, send: Send) -> None:
    """409 for the second of two tabs: the page has the first answer and keeps the second's note."""
    path = send("conflict-review")
    first, second = (doctor.read_hidden(path) for _ in range(2))
    assert doctor.send_answer(path, first, label="normal").status_code == 200
    for headers in ({}, PART):
        late = doctor.send_answer(path, second, headers, label="pneumonia", note="Kerley lines")
        assert late.status_code == 409
        assert "This X-ray was read in the meantime" in late.text
        assert "No pneumonia , disagrees with the AI result Recorded by you" in read_text(late)
        assert 'value="Kerley lines"' in late.text
    assert doctor.read_hidden(path)["seen"] == "1"


def test_form_that_is_sent_again_is_one_reading(doctor: Visitor, send: Send) -> None:
    """A reader who reloads the answer of the form, or whose answer was lost, records nothing twice.

    Another answer by the same form is another reading, which has not seen the first.
    """
    path = send("repeat-review")
    form = doctor.read_hidden(path)
    for _ in range(2):
        assert doctor.send_answer(path, form, label="normal").status_code == 200
    assert doctor.read_hidden(path)["seen"] == "1"
    assert doctor.send_answer(path, form, label="unsure").status_code == 409


def test_withdrawn_reading_leaves_the_xray_to_review(doctor: Visitor, send: Send) -> None:
    """Without scripts, too; the list of all readings keeps what was withdrawn."""
    path = send("withdraw-review")
    doctor.answer(path, label="normal", note="Rotated")
    page = doctor.answer(path, label="withdrawn")
    assert find_pressed(page) == []
    assert "Recorded by you" not in page.text
    assert "All readings (2) No pneumonia “Rotated” you, " in read_text(page)
    assert path in doctor.get("/xrays?reviewed=false").text


def test_form_without_its_number_is_out_of_date(doctor: Visitor, send: Send) -> None:
    """One of a page that was open before an upgrade: nothing is recorded."""
    path = send("old-review")
    hidden = doctor.read_hidden(path)
    for seen in ({}, {"seen": "-1"}, {"seen": "x"}, {"seen": "1" * 6}):
        known = {name: value for name, value in hidden.items() if name != "seen"}
        page = doctor.send_answer(path, known, label="normal", **seen)
        assert page.status_code == 400
        assert "The page was out of date" in page.text
    assert doctor.read_hidden(path)["seen"] == "0"


def test_page_withholds_result_and_answers(doctor: Visitor, send: Send) -> None:
    """Until a script has seen the film drawn, or a reader without scripts says that it is."""
    path = send("film-review")
    page = doctor.get(path)
    assert '<section class="finding unseen"' in page.text
    assert re.search(r"<fieldset [^>]*disabled", page.text)
    assert '<a href="?film=seen">' in page.text
    seen = doctor.get(f"{path}?film=seen")
    assert '<section class="finding"' in seen.text
    assert not re.search(r"<fieldset [^>]*disabled", seen.text)
    assert "noscript" not in seen.text


def test_reading_of_what_is_gone_says_so(doctor: Visitor, send: Send) -> None:
    """A late response leads to a sentence, not to an unhandled error."""
    path = send("gone-review")
    hidden = doctor.read_hidden(path)
    doctor.post(f"{path}/delete", path)
    page = doctor.send_answer(path, hidden, label="normal")
    assert page.status_code == 404
    assert "There is no X-ray with this id" in page.text


def test_worklist_shows_readings_and_what_is_left(doctor: Visitor, send: Send) -> None:
    """Next to the AI result, with any difference in words, too; filters and search find them."""
    left, agreed, differs = (send(f"List {word}") for word in ("left", "agreed", "differs"))
    doctor.answer(agreed, label="pneumonia")
    doctor.answer(differs, label="normal", note="Kerley lines")
    waiting = doctor.get("/xrays?reviewed=false")
    assert left in waiting.text
    assert agreed not in waiting.text
    assert "To review" in waiting.text
    assert re.search(r'value="false"\s+selected', waiting.text)
    reviewed = doctor.get("/xrays?reviewed=true")
    assert left not in reviewed.text
    assert "Pneumonia , agrees with the AI result" in read_text(reviewed)
    assert "No pneumonia , disagrees with the AI result" in read_text(reviewed)
    found = doctor.get("/xrays?q=kerley")
    assert differs in found.text
    assert agreed not in found.text
    assert "reviewed=false" in doctor.get("/xrays?reviewed=false", headers=PART).text


def test_to_review_is_what_was_judged(doctor: Visitor) -> None:
    """A rejected image has no AI result to review, so it is not listed."""
    doctor.post("/xrays", "/xrays", files={"xray": ("a.png", flat_png(), "image/png")})
    rejected = re.findall(
        r'href="(/xrays/[0-9a-f]{32})[?"]', doctor.get("/xrays?status=rejected").text
    )
    assert rejected
    waiting = doctor.get("/xrays?reviewed=false").text
    assert not [path for path in rejected if path in waiting]
