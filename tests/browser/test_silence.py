"""Silent weeks in a browser: a film is read as ever, and nothing is shown before or after it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_accessibility import find_violations
from tests.browser.test_withheld import read_answers, send
from tests.stack import Stack
from tests.store import connect

TELLING = ("likely", "data-heatmap", "probability", "agrees", "Agree", "figcaption", "detected")


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page of an admin, who begins silent weeks; afterwards there never were any."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        opened.goto(f"{stack.url}/site")
        opened.get_by_role("button", name="Begin silent weeks").click()
        expect(opened.get_by_text("Silent weeks have begun.")).to_be_visible()
        yield opened
        connect(stack).delete("site:silent")


def test_film_is_read_without_any_result(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Sent, read by key, changed, undone and found again: the page and the list stay silent."""
    xray_id = send(desk, stack, unique_copy(samples[8], tmp_path, "silent"), "Quiet")
    expect(desk.locator("h1")).to_have_text("Silent weeks")
    for key, answer in (("2", "No pneumonia"), ("1", "Pneumonia")):
        desk.wait_for_timeout(60)  # a scanner types faster
        desk.keyboard.press(key)
        expect(desk.locator(".own .verdict")).to_have_text(answer)
        expect(desk.locator("h1")).to_have_text("Silent weeks")
        expect(desk.locator("canvas.heat")).to_have_count(0)
        sent = desk.evaluate("fetch(location.href).then((answer) => answer.text())")
        for telling in TELLING:
            assert telling not in sent, telling
    assert read_answers(stack, xray_id) == [("normal", "silent"), ("pneumonia", "silent")]
    expect(desk.get_by_text("Confirmed outcome …")).to_be_visible()
    assert find_violations(desk) == []

    desk.set_viewport_size({"width": 1440, "height": 900})
    desk.goto(f"{stack.url}/xrays?q=Quiet")
    row = desk.locator(".worklist tbody tr")
    expect(row).to_contain_text("Silent weeks")
    expect(row).not_to_contain_text("%")
    expect(row.locator("rect")).to_have_count(0)
    assert find_violations(desk) == []
    desk.goto(f"{stack.url}/site")
    assert find_violations(desk) == []


def test_row_of_an_upload_says_nothing(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Several files at once stay in rows, each with what may be said."""
    files = [unique_copy(samples[n], tmp_path, f"rows{n}") for n in (0, 8)]
    desk.goto(f"{stack.url}/xrays")
    desk.locator("#xray").set_input_files(files)
    rows = desk.locator("#sending .good .pill")
    expect(rows).to_have_text(["Silent weeks", "Silent weeks"], timeout=20000)
    expect(desk.get_by_text("Pneumonia likely")).to_have_count(0)
