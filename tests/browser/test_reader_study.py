"""From two answers, their times and a confirmed outcome to the page of the reader study."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_after_reading import choose
from tests.browser.test_withheld import send
from tests.stack import Stack


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page of a person who reads first; the preference is theirs, so it is taken back."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        choose(opened, stack, reads_first=True)
        yield opened
        choose(opened, stack, reads_first=False)


def count_own(stack: Stack, name: str) -> list[int]:
    """What the study has of the person: in how many of how many X-rays."""
    answer = requests.get(f"{stack.api_url}/v1/reader-study", headers=stack.headers, timeout=5)
    found = answer.json()["readers"].get(stack.user, {name: {"count": 0, "of": 0}})[name]
    return [found["count"], found["of"]]


def read_row(page: Page, meaning: str) -> str:
    """What the row has in the column of the person."""
    row = page.locator(".study tbody tr").filter(has=page.locator("th", has_text=meaning)).first
    return row.locator("td").first.inner_text()


def test_two_answers_and_an_outcome_become_a_study(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """The AI was right, the first answer wrong and the second right: it has helped."""
    moved, helped = count_own(stack, "towards"), count_own(stack, "helped")
    xray_id = send(desk, stack, unique_copy(samples[8], tmp_path, "studied"), "Studied")
    expect(desk.locator(".outcome")).to_have_count(0)  # it may give the result away
    desk.get_by_role("button", name="No pneumonia").click()
    expect(desk.locator("h1")).to_have_text("Pneumonia likely")
    desk.get_by_role("button", name="Agree", exact=False).first.click()
    expect(desk.locator(".own .verdict")).to_have_text("Pneumonia, agrees with the AI result")

    url = f"{stack.api_url}/v1/xrays/{xray_id}"
    readings = requests.get(url, headers=stack.headers, timeout=5).json()["readings"]
    assert [each["ai"] for each in readings] == ["hidden", "shown"]
    assert all(0 < each["seconds"] < 60 for each in readings)

    desk.goto(f"{stack.url}/reader-study")
    expect(desk.locator("h1")).to_have_text("Reader study")
    row = f"{moved[0] + 1} of {moved[1] + 1}"
    assert read_row(desk, "Moved to the AI's answer").splitlines()[0] == row
    assert count_own(stack, "helped") == helped  # nobody knows yet what the patient had

    desk.goto(f"{stack.url}/xrays/{xray_id}")
    desk.get_by_text("Confirmed outcome …").click()
    desk.get_by_label("Outcome", exact=True).select_option("Pneumonia")
    desk.get_by_label("Known from").select_option("Laboratory")
    desk.get_by_role("button", name="Record the outcome").click()
    expect(desk.get_by_text("The outcome was recorded.")).to_be_visible()
    desk.get_by_text("Confirmed outcome …").click()
    expect(desk.locator(".outcome")).to_contain_text("Pneumonia, by: Laboratory.")

    desk.get_by_role("link", name="Reader study").last.click()
    row = f"{helped[0] + 1} of {helped[1] + 1}"
    assert read_row(desk, "Helped").splitlines()[0] == row
    assert " to " in read_row(desk, "Helped").splitlines()[1]
    assert "\N{NO-BREAK SPACE}s" in read_row(desk, "Time to the first answer")


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_page_fits_every_screen(browser: Browser, stack: Stack, width: int) -> None:
    """No sideways scrolling; preferences begin at the top, too."""
    with logged_in_page(browser, stack, width, 900) as page:
        for path in ("/reader-study", "/preferences"):
            page.goto(stack.url + path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            top = page.locator(".crumbs").bounding_box()
            assert top
            assert top["y"] < 200, path
