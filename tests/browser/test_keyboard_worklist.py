"""The worklist by keyboard alone at 400 % zoom: tabs, filters, pages, rows, and what is deleted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.keyboard import check_focus, choose, strike, tab_to, zoomed_page
from tests.browser.person import unique_copy
from tests.browser.test_keyboard_reading import upload
from tests.pneumonia_web.listed import KINDS, listed
from tests.stack import Stack

MANY = ("pneumonia_likely",) * 30
"""More than a page has."""


@pytest.fixture(scope="module")
def zoomed(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page of a person at 400 %."""
    with zoomed_page(browser, stack) as opened:
        yield opened


@pytest.fixture
def worklist(zoomed: Page, stack: Stack) -> Iterator[Page]:
    """The worklist with two pages to review, and an X-ray of each kind; newly opened."""
    with listed(stack, "Many", *MANY), listed(stack, "Kind", *KINDS):
        zoomed.goto(f"{stack.url}/xrays")
        zoomed.wait_for_load_state()
        yield zoomed


def test_tabs_filters_and_search_keep_the_focus(worklist: Page) -> None:
    """Each applies at once, and the focus stays on what was used."""
    tab = worklist.get_by_role("link", name="All")
    choose(worklist, tab)
    expect(tab).to_have_attribute("aria-current", "page")
    expect(tab).to_be_focused()
    check_focus(worklist)
    for label, key, query in (
        ("Reading", "ArrowDown", "reviewed=false"),
        ("Order", "ArrowDown", "sort=oldest"),
    ):
        field = worklist.get_by_label(label, exact=True)
        tab_to(worklist, field, key="Shift+Tab" if label == "Reading" else "Tab")
        strike(worklist, key)
        worklist.wait_for_url(f"**{query}*")
        expect(field).to_be_focused()
        check_focus(worklist)
    search = worklist.get_by_label("Search reference")
    tab_to(worklist, search)
    worklist.keyboard.type("kind uncertain")
    expect(worklist.locator("#rows tr[data-id]")).to_have_count(1)
    expect(search).to_be_focused()
    check_focus(worklist)


def test_next_page_begins_at_its_first_row(worklist: Page) -> None:
    """Also the way back to the newest; the filters still apply; a row opens with Enter."""
    choose(worklist, worklist.get_by_role("link", name="Older"))
    expect(worklist.get_by_role("link", name="Newest")).to_be_visible()
    first = worklist.locator("#rows .row-link").first
    expect(first).to_be_focused()
    check_focus(worklist)
    choose(worklist, worklist.get_by_role("link", name="Newest"))
    expect(worklist.get_by_role("link", name="Older")).to_be_visible()
    expect(first).to_be_focused()
    check_focus(worklist)
    tab_to(worklist, worklist.get_by_label("Order", exact=True), key="Shift+Tab")
    strike(worklist, "ArrowDown")
    worklist.wait_for_url("**sort=oldest*")
    tab_to(worklist, first)
    strike(worklist, "Enter")
    expect(worklist.locator("#next")).to_be_visible()
    before = worklist.url
    choose(worklist, worklist.locator("#next"))
    expect(worklist).not_to_have_url(before)
    expect(worklist.locator("#next")).to_be_visible()


def test_new_rows_are_shown_by_key(worklist: Page, stack: Stack) -> None:
    """The offer covers nothing that has the focus, and its use leads to the first new row."""
    rows = worklist.locator("#rows .row-link")
    tab_to(worklist, rows.nth(2))
    with listed(stack, "Later", "uncertain"):
        button = worklist.locator("#show-new")
        expect(button).to_have_text("1 new, show", timeout=8000)
        check_focus(worklist)
        tab_to(worklist, rows.nth(9))
        tab_to(worklist, rows.nth(1), key="Shift+Tab")
        choose(worklist, button, by="Shift+Tab")
        expect(rows.first).to_be_focused()
        check_focus(worklist)


def test_sentence_above_the_page_covers_nothing_that_has_the_focus(worklist: Page) -> None:
    """While the service does not respond."""
    worklist.route("**/xrays?*seen=*", lambda route: route.fulfill(status=503, body=""))
    expect(worklist.locator("#news")).to_contain_text("not responding", timeout=8000)
    tab_to(worklist, worklist.locator("#rows .row-link").nth(8))
    tab_to(worklist, worklist.get_by_role("link", name="Skip to content"), key="Shift+Tab")
    worklist.unroute("**/xrays?*seen=*")


def test_deleted_xray_is_restored(
    zoomed: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """From the page of the X-ray to the list of what was deleted, and back."""
    zoomed.goto(f"{stack.url}/xrays")
    upload(zoomed, unique_copy(samples[1], tmp_path, "deleted"), "Deleted by key")
    delete = zoomed.get_by_role("button", name="Delete this X-ray")
    choose(zoomed, zoomed.locator(".delete summary"))
    expect(delete).to_be_visible()
    check_focus(zoomed)
    choose(zoomed, delete)
    zoomed.wait_for_url("**/xrays")
    choose(zoomed, zoomed.get_by_role("link", name="Restore it"))
    zoomed.wait_for_url("**/deletions")
    choose(zoomed, zoomed.get_by_role("button", name="Restore Deleted by key").first)
    expect(zoomed.get_by_role("status").get_by_text("restored")).to_be_visible()
    zoomed.wait_for_url("**/xrays/*")


def test_file_is_sent_again_by_key(worklist: Page, samples: list[Path], tmp_path: Path) -> None:
    """The button goes with its row, and the focus stays in the list of files."""
    worklist.route("**/xrays", lambda route: route.fulfill(status=503, body=""), times=2)
    tab_to(worklist, worklist.locator("#xray"))
    with worklist.expect_file_chooser() as chooser:
        worklist.keyboard.press("Enter")
    chooser.value.set_files([unique_copy(samples[n], tmp_path, f"key{n}") for n in range(2)])
    both = worklist.get_by_role("button", name="Send 2 again")
    choose(worklist, both)
    check_focus(worklist)
    expect(worklist.locator("#sending .good")).to_have_count(2, timeout=20000)
    worklist.route("**/xrays", lambda route: route.fulfill(status=503, body=""), times=1)
    tab_to(worklist, worklist.locator("#xray"), key="Shift+Tab")
    with worklist.expect_file_chooser() as chooser:
        worklist.keyboard.press("Enter")
    chooser.value.set_files([unique_copy(samples[n], tmp_path, f"keys{n}") for n in range(2)])
    choose(worklist, worklist.get_by_role("button", name="Send again"))
    check_focus(worklist)
    expect(worklist.locator("#sending .good")).to_have_count(4, timeout=20000)
