"""Who wants the AI result after their own reading sees nothing of it before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_withheld import read_answers, send
from tests.stack import Stack


def choose(desk: Page, stack: Stack, *, reads_first: bool) -> None:
    """Set the preference by its page."""
    desk.goto(f"{stack.url}/xrays")
    desk.get_by_role("link", name=stack.user).click()
    desk.get_by_label("Show the AI result after my own reading").set_checked(reads_first)
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_role("main").get_by_role("status")).to_have_text(
        "Your preferences were saved."
    )


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page of a person who reads first; the preference is theirs, so it is taken back."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        choose(opened, stack, reads_first=True)
        yield opened
        choose(opened, stack, reads_first=False)


def test_nothing_is_given_away_until_the_reader_has_answered(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Neither page nor worklist; then the result is shown, and both readings are kept."""
    xray_id = send(desk, stack, unique_copy(samples[8], tmp_path, "blind"), "Blind")
    expect(desk.locator("h1")).to_have_text("After your reading")
    sent = desk.evaluate("fetch(location.href).then((answer) => answer.text())")
    for revealing in ("likely", "data-heatmap", "probability", "agrees", "Agree", "figcaption"):
        assert revealing not in sent, revealing

    desk.goto(f"{stack.url}/xrays?q=Blind")
    row = desk.locator(f'.worklist tbody tr[data-id="{xray_id}"]')
    expect(row).to_contain_text("After your reading")
    expect(row).not_to_contain_text("%")
    expect(row.locator("rect")).to_have_count(0)
    expect(desk.get_by_label("AI result", exact=True)).to_have_count(0)
    row.get_by_role("link").click()

    desk.get_by_label("Note").fill("Clear lungs")
    desk.get_by_role("button", name="No pneumonia").click()
    expect(desk.locator("h1")).to_have_text("Pneumonia likely")
    expect(desk.locator(".own .verdict")).to_have_text("No pneumonia, disagrees with the AI result")
    expect(desk.locator(".own")).to_contain_text("Clear lungs")
    expect(desk.locator("#saved")).to_contain_text("Saved: No pneumonia")
    desk.get_by_role("checkbox", name="Heat map").check()
    expect(desk.locator(".heat")).to_be_visible()
    desk.get_by_role("button", name="Agree", exact=False).first.click()
    expect(desk.locator(".own .verdict")).to_have_text("Pneumonia, agrees with the AI result")
    assert read_answers(stack, xray_id) == [("normal", "hidden"), ("pneumonia", "shown")]


def test_who_has_seen_the_result_is_not_asked_again(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """An answer that is undone stays undone, but what was shown cannot be unseen."""
    xray_id = send(desk, stack, unique_copy(samples[8], tmp_path, "undone"), "Undone")
    desk.keyboard.press("2")
    expect(desk.locator("h1")).to_have_text("Pneumonia likely")
    expect(desk.get_by_role("button", name="Undo")).to_be_visible()
    desk.keyboard.press("z")
    expect(desk.locator(".own")).to_have_count(0)
    expect(desk.locator("h1")).to_have_text("Pneumonia likely")
    desk.keyboard.press("a")
    expect(desk.locator(".own .verdict")).to_have_text("Pneumonia, agrees with the AI result")
    labels = [("normal", "hidden"), ("withdrawn", "shown"), ("pneumonia", "shown")]
    assert read_answers(stack, xray_id) == labels


def test_preference_outlives_the_session(desk: Page, stack: Stack, browser: Browser) -> None:
    """Another log-in of the same person has it, too."""
    with logged_in_page(browser, stack, 390, 844) as phone:
        phone.goto(f"{stack.url}/preferences")
        expect(phone.get_by_label("Show the AI result after my own reading")).to_be_checked()
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
