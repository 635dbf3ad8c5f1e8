"""From an upload to a signed reading by keyboard alone at 400 % zoom."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.films import read_canvas, settle
from tests.browser.keyboard import check_focus, choose, strike, tab_to, walk, zoomed_page
from tests.browser.person import unique_copy
from tests.stack import Stack

SCROLLED = """async part => {
    while (part.scrollTop === 0) await new Promise(requestAnimationFrame);
}"""


def upload(page: Page, file: Path, reference: str = "") -> None:
    """By the form; the page is then that of the result, with its film at full depth."""
    tab_to(page, page.get_by_label("Your reference"))
    page.keyboard.type(reference)
    tab_to(page, page.locator("#xray"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(file)
    page.wait_for_url("**/xrays/*")
    expect(page.locator(".film")).to_have_attribute("data-depth", "full", timeout=15000)
    expect(page.get_by_role("button", name="Unsure")).to_be_enabled()
    settle(page)


@pytest.fixture(scope="module")
def reading(
    browser: Browser, stack: Stack, samples: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """The page of an X-ray that a person at 400 % has just sent."""
    with zoomed_page(browser, stack) as opened:
        file = unique_copy(samples[8], tmp_path_factory.mktemp("keys"), "keys")
        upload(opened, file, "Without a mouse")
        yield opened


@pytest.fixture
def fresh(reading: Page) -> Page:
    """The same page, opened anew: the focus is at its top."""
    reading.reload()
    expect(reading.locator(".film")).to_have_attribute("data-depth", "full", timeout=15000)
    settle(reading)
    return reading


def test_every_control_of_a_result_is_reached_and_seen(fresh: Page) -> None:
    """Those of the viewer, too, in the order of the page; a link skips them."""
    names = walk(fresh)
    for name in ("Window: Drag sets window and level", "Heat map", "Unsure", "Delete …"):
        assert [each for each in names if each.startswith(name)], name


def test_skip_links_lead_past_the_head_and_past_the_viewer(fresh: Page) -> None:
    """To the film, and straight to the answers."""
    choose(fresh, fresh.get_by_role("link", name="Skip to content"))
    fresh.keyboard.press("Tab")
    assert check_focus(fresh) == "← Worklist"
    choose(fresh, fresh.get_by_role("link", name="Skip to your reading"), by="Shift+Tab")
    fresh.keyboard.press("Tab")
    check_focus(fresh)
    assert fresh.evaluate("document.activeElement.closest('#reading') !== null")


def test_viewer_is_worked_by_tab_and_enter(fresh: Page) -> None:
    """Window, zoom, invert, heat map, and the list of keys; each control keeps the focus."""
    before = read_canvas(fresh)
    for name in ("Window for lungs", "Make larger", "Invert"):
        button = fresh.get_by_role("button", name=name)
        choose(fresh, button)
        settle(fresh)
        expect(button).to_be_focused()
        after = read_canvas(fresh)
        assert not np.array_equal(after, before), name
        before = after
    tab_to(fresh, fresh.locator(".pixels"))
    strike(fresh, "ArrowRight")
    settle(fresh)
    assert not np.array_equal(read_canvas(fresh), before)
    choose(fresh, fresh.locator("#heat"), key="Space")
    expect(fresh.locator(".heat")).to_be_visible()
    opacity = fresh.get_by_label("Opacity of the heat map")
    tab_to(fresh, opacity)
    strike(fresh, "ArrowLeft")
    expect(fresh.locator("output")).to_have_text("40 %")


@pytest.mark.parametrize("end", ["Escape", "Enter"])
def test_list_of_keys_gives_the_focus_back(fresh: Page, end: str) -> None:
    """By `?` from the film; all of the list can be read, and nothing behind it gets the focus."""
    tab_to(fresh, fresh.locator(".pixels"))
    strike(fresh, "?")
    keys = fresh.get_by_role("dialog", name="Keys of the viewer")
    expect(keys).to_be_visible()
    assert check_focus(fresh) == "Keys of the viewer"
    assert keys.evaluate("dialog => dialog.scrollTop") == 0
    strike(fresh, "PageDown")
    keys.evaluate(SCROLLED)
    tab_to(fresh, keys.get_by_role("button", name="Close"))
    fresh.keyboard.press("Tab")  # to the browser's own controls, and to nothing of the page
    assert fresh.evaluate("document.activeElement === document.body")
    tab_to(fresh, keys.get_by_role("button", name="Close"))
    strike(fresh, end)
    expect(keys).to_be_hidden()
    expect(fresh.get_by_role("button", name="Keys of the viewer")).to_be_focused()
    check_focus(fresh)


def test_answer_undo_and_withdraw_keep_the_focus(fresh: Page) -> None:
    """By Tab and Enter: after each the focus is in the panel, and what was saved is said."""
    said, panel = fresh.locator("#saved"), fresh.locator("#reading")
    choose(fresh, fresh.get_by_role("button", name="Unsure"))
    expect(said).to_contain_text("Saved: Unsure")
    expect(fresh.get_by_role("button", name="Unsure")).to_be_focused()
    check_focus(fresh)
    choose(fresh, fresh.get_by_role("button", name="Undo"), by="Shift+Tab")
    expect(said).to_contain_text("withdrawn")
    assert panel.evaluate("panel => panel.contains(document.activeElement)")
    check_focus(fresh)
    choose(fresh, fresh.get_by_role("button", name="Agree", exact=False).first)
    expect(said).to_contain_text("Saved: Pneumonia")
    check_focus(fresh)
    choose(fresh, fresh.get_by_role("button", name="Withdraw reading"), by="Shift+Tab")
    expect(said).to_contain_text("withdrawn")
    assert panel.evaluate("panel => panel.contains(document.activeElement)")
    check_focus(fresh)


def test_keys_answer_and_undo_from_anywhere(fresh: Page) -> None:
    """A letter answers, Z takes it back, and the focus is where the next Tab goes on."""
    tab_to(fresh, fresh.locator(".pixels"))  # nobody answers without the film on the screen
    strike(fresh, "u")
    expect(fresh.locator("#saved")).to_contain_text("Saved: Unsure")
    check_focus(fresh)
    strike(fresh, "z")
    expect(fresh.locator("#saved")).to_contain_text("withdrawn")
    check_focus(fresh)


def test_undo_that_ends_leaves_the_focus(fresh: Page) -> None:
    """The offer ends after five seconds, but not while it has the focus."""
    tab_to(fresh, fresh.locator(".pixels"))  # nobody answers without the film on the screen
    strike(fresh, "u")
    expect(fresh.locator("#saved")).to_contain_text("Saved: Unsure")
    undo = fresh.get_by_role("button", name="Undo")
    tab_to(fresh, undo, key="Shift+Tab")
    fresh.wait_for_timeout(5500)
    expect(undo).to_be_focused()
    tab_to(fresh, fresh.get_by_role("button", name="Unsure"))
    expect(undo).to_have_count(0, timeout=6000)
    check_focus(fresh)
    choose(fresh, fresh.get_by_role("button", name="Withdraw reading"), by="Shift+Tab")
    expect(fresh.locator("#saved")).to_contain_text("withdrawn")
