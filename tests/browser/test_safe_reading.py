"""Nothing is signed unseen or by accident, and nobody answers unaware of another reading."""

from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, Route, expect

from tests.browser.person import unique_copy
from tests.stack import Stack


@pytest.fixture
def result(page: Page, samples: list[Path], tmp_path: Path, request: pytest.FixtureRequest) -> Page:
    """The page of an X-ray that the model called pneumonia and nobody has read."""
    page.locator("#xray").set_input_files(unique_copy(samples[8], tmp_path, request.node.name))
    page.wait_for_url("**/xrays/*")
    expect(page.get_by_role("button", name="Unsure")).to_be_enabled()
    return page


def record_answers(result: Page) -> list[str]:
    """A list that grows by the form of each answer that the page sends."""
    sent: list[str] = []
    result.on(
        "request",
        lambda each: sent.append(each.post_data or "") if each.method == "POST" else None,
    )
    return sent


def scan(result: Page, code: str) -> None:
    """Type as a barcode scanner does: far faster than a person, with Enter at the end."""
    result.evaluate(
        """(code) => {
            const press = (key) => {
                const options = {key, bubbles: true, cancelable: true};
                const target = document.activeElement;
                const taken = !target.dispatchEvent(new KeyboardEvent("keydown", options));
                if (key === "Enter" && !taken) target.click();  // as a browser presses a button
                target.dispatchEvent(new KeyboardEvent("keyup", options));
            };
            for (const key of [...code, "Enter"]) press(key);
        }""",
        code,
    )
    result.wait_for_timeout(200)  # four times as long as a key waits for others


def test_nothing_can_be_answered_until_the_film_is_drawn(result: Page) -> None:
    """While it loads, neither pointer nor key answers, and the result is not shown."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    result.route("**/preview", hold)
    sent = record_answers(result)
    result.reload(wait_until="commit")
    expect(result.get_by_text("Loading the film.")).to_be_visible()
    for answer in result.locator(".choices button").all():
        expect(answer).to_be_disabled()
    expect(result.locator("h1")).to_be_hidden()
    expect(result.locator(".probability")).to_be_hidden()
    for revealing in result.locator(".choices .meaning").all():
        expect(revealing).to_be_hidden()
    result.keyboard.press("a")
    expect(result.get_by_text("Wait until the film is displayed.")).to_be_visible()
    assert sent == []
    for route in held:
        route.continue_()
    expect(result.locator("h1")).to_be_visible()
    expect(result.locator("#film-state")).to_be_hidden()
    result.keyboard.press("a")
    expect(result.locator(".verdict")).to_contain_text("Pneumonia, agrees")
    assert len(sent) == 1


def test_film_outside_the_window_is_not_seen(result: Page) -> None:
    """On a small screen the page opens where it was left: it says why nothing can be answered."""
    result.set_viewport_size({"width": 390, "height": 500})
    result.get_by_label("Note").scroll_into_view_if_needed()
    result.evaluate("scrollTo(0, document.body.scrollHeight)")
    result.reload()
    hint = result.get_by_text("Look at the film first")
    expect(hint).to_be_visible()
    expect(result.get_by_role("button", name="Unsure")).to_be_disabled()
    result.get_by_role("link", name="Show the film").click()
    expect(result.get_by_role("button", name="Unsure")).to_be_enabled()
    expect(hint).to_be_hidden()


@pytest.mark.parametrize("body", [None, b"no image"], ids=["refused", "damaged"])
def test_film_that_cannot_be_displayed_is_tried_again(result: Page, body: bytes | None) -> None:
    """The page says so and withholds result and answers until it is there."""

    def fail(route: Route) -> None:
        route.fulfill(status=200 if body else 503, content_type="image/jpeg", body=body or b"")

    result.route("**/preview*", fail)
    result.reload()
    problem = result.get_by_text("The film could not be displayed")
    expect(problem).to_be_visible()
    expect(result.get_by_role("button", name="Disagree")).to_be_disabled()
    expect(result.locator("h1")).to_be_hidden()
    again = result.get_by_role("button", name="Try again")
    with result.expect_response("**/preview*"):
        again.click()
    expect(problem).to_be_visible()
    expect(result.get_by_role("button", name="Disagree")).to_be_disabled()
    result.unroute("**/preview*")
    again.click()
    expect(result.get_by_role("button", name="Disagree")).to_be_enabled()
    expect(result.locator("h1")).to_be_visible()
    expect(problem).to_be_hidden()


@pytest.mark.parametrize("code", ["ADU", "12345A", "A-2026-D", "U"])
def test_scanned_code_answers_nothing(result: Page, code: str) -> None:
    """Wherever the focus is: on the page, on an answer, or in the note."""
    sent = record_answers(result)
    scan(result, code)
    result.get_by_role("button", name="Disagree").focus()
    scan(result, code)
    assert sent == []
    expect(result.locator(".verdict")).to_have_count(0)
    result.keyboard.press("u")
    expect(result.locator(".verdict")).to_contain_text("Unsure")
    result.get_by_label("Note").focus()
    result.evaluate(
        """() => {
            const note = document.activeElement;
            let sent = false;
            for (const key of ["7", "Enter"]) {
                const options = {key, bubbles: true, cancelable: true};
                sent = note.dispatchEvent(new KeyboardEvent("keydown", options));
            }
            if (sent) note.form.requestSubmit();
        }"""
    )
    result.wait_for_timeout(200)
    assert len(sent) == 1


def test_shift_is_no_answer_but_a_single_key_is(result: Page) -> None:
    """As in a code with capital letters; Enter on a chosen answer works as ever."""
    sent = record_answers(result)
    result.keyboard.down("Shift")
    for key in "ADU":
        result.wait_for_timeout(120)  # no burst
        result.keyboard.press(key)
    result.wait_for_timeout(120)
    result.keyboard.up("Shift")
    result.wait_for_timeout(120)
    assert sent == []
    result.get_by_role("button", name="Disagree").focus()
    result.keyboard.press("Enter")
    expect(result.locator(".verdict")).to_contain_text("No pneumonia, disagrees")
    result.get_by_role("button", name="Unsure").focus()
    result.wait_for_timeout(120)
    result.keyboard.press(" ")
    expect(result.locator(".own .verdict")).to_contain_text("Unsure")
    assert len(sent) == 2


def test_answer_can_be_undone_for_five_seconds(result: Page) -> None:
    """By pointer or by Z; what stood before stands again. Later only Withdraw is left."""
    undo = result.get_by_role("button", name="Undo")
    expect(undo).to_have_count(0)
    result.get_by_role("button", name="Disagree").click()
    expect(result.locator(".own .verdict")).to_contain_text("No pneumonia")
    result.get_by_role("button", name="Unsure").click()
    expect(result.locator(".own .verdict")).to_contain_text("Unsure")
    undo.click()
    expect(result.locator(".own .verdict")).to_contain_text("No pneumonia")
    expect(undo).to_have_count(0)
    result.get_by_role("button", name="Agree", exact=False).first.click()
    expect(result.locator(".own .verdict")).to_contain_text("Pneumonia")
    result.wait_for_timeout(120)
    result.keyboard.press("z")
    expect(result.locator(".own .verdict")).to_contain_text("No pneumonia")
    result.get_by_role("button", name="Unsure").click()
    expect(undo).to_be_visible()
    result.mouse.move(0, 0)
    expect(undo).to_have_count(0, timeout=8000)
    expect(result.get_by_role("button", name="Withdraw reading")).to_be_visible()


def test_withdrawn_reading_stays_in_the_list(result: Page) -> None:
    """It no longer stands, the X-ray is to be reviewed again, and every entry can be read."""
    result.get_by_label("Note").fill("Rotated film")
    result.get_by_role("button", name="Disagree").click()
    result.get_by_role("button", name="Withdraw reading").click()
    expect(result.locator(".recorded")).to_have_count(0)
    expect(result.locator("#saved")).to_contain_text("Your reading is withdrawn.")
    expect(result.locator(".choices [aria-pressed=true]")).to_have_count(0)
    result.get_by_text("All readings (2)").click()
    entries = result.locator(".history:not(.for-systems) li")
    expect(entries.nth(0)).to_contain_text("No pneumonia “Rotated film”")
    expect(entries.nth(0)).to_contain_text("AI result shown, model")
    expect(entries.nth(1)).to_contain_text("Withdrawn")
    assert result.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_second_of_two_tabs_sees_the_first(result: Page) -> None:
    """Its answer is not recorded; what was typed stays, and it can be given with full knowledge."""
    other = result.context.new_page()
    other.goto(result.url)
    expect(other.get_by_role("button", name="Unsure")).to_be_enabled()
    result.get_by_role("button", name="Disagree").click()
    expect(result.locator(".verdict")).to_contain_text("No pneumonia")
    other.get_by_label("Note").fill("Kerley lines")
    with other.expect_response("**/review") as answered:
        other.get_by_role("button", name="Unsure").click()
    assert answered.value.status == 409
    expect(other.get_by_role("alert")).to_contain_text("This X-ray was read in the meantime")
    expect(other.locator(".own .verdict")).to_contain_text("No pneumonia, disagrees")
    expect(other.get_by_label("Note")).to_have_value("Kerley lines")
    other.get_by_role("button", name="Unsure").click()
    expect(other.locator(".own .verdict")).to_contain_text("Unsure")
    expect(other.locator(".own .said")).to_have_text("“Kerley lines”")


def test_reading_of_another_is_named_as_theirs(result: Page, stack: Stack) -> None:
    """Given while the page was open: the reader sees it before their own answer counts."""
    url = f"{stack.api_url}/v1/xrays/{result.url[-32:]}/readings"
    entry = {"label": "normal", "note": "Ask Ann", "seen": 0}
    assert requests.post(url, json=entry, headers=stack.headers, timeout=5).status_code == 201
    result.keyboard.press("a")
    expect(result.get_by_role("alert")).to_contain_text("This X-ray was read in the meantime")
    theirs = result.locator(".recorded")
    expect(theirs).to_have_count(1)
    expect(theirs).to_contain_text("Reading of machine")
    result.wait_for_timeout(120)
    result.keyboard.press("a")
    expect(result.locator(".own .verdict")).to_contain_text("Pneumonia, agrees")
    expect(result.locator(".recorded")).to_have_count(2)


def test_deleted_xray_is_restored(result: Page) -> None:
    """From the notice after the deletion, by one button."""
    result.get_by_text("Delete …").click()
    result.get_by_role("button", name="Delete this X-ray").click()
    result.get_by_role("link", name="Restore it under").click()
    expect(result.get_by_role("heading", name="Deleted by you")).to_be_visible()
    assert result.evaluate("document.documentElement.scrollWidth <= innerWidth")
    result.get_by_role("button", name="Restore").first.click()
    expect(result.get_by_text("The X-ray was restored.")).to_be_visible()
    expect(result.get_by_role("button", name="Unsure")).to_be_enabled()
