"""German words are longer: nothing is cut off, scrolls sideways or breaks a rule of WCAG 2.2 AA."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pneumonia_api.records.record import XrayRecord
from tests.browser.german import find_english_on, german_page, send
from tests.browser.test_accessibility import CUT_OFF, PATHS, RULES, WIDTHS
from tests.pneumonia_web.listed import KINDS, listed
from tests.stack import Stack

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

WIDE = """() => [...document.querySelectorAll("main, main *, .bar, .bar *, footer")]
    .filter(each => each.checkVisibility() && !each.closest(".visually-hidden, svg, .toolbar"))
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
    .map(each => `${each.tagName}.${each.className}: ${each.innerText?.slice(0, 40)}`)"""
"""Elements that reach beyond the window; the toolbar scrolls by itself on a phone."""


@pytest.fixture(scope="module")
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page in German."""
    with german_page(browser, stack, 1440, 900) as opened:
        yield opened


@pytest.fixture(scope="module")
def records(stack: Stack) -> Iterator[list[XrayRecord]]:
    """An X-ray of each kind, without an image."""
    with listed(stack, "Breite", *KINDS) as added:
        yield added


def check(page: Page) -> None:
    """The page as it is now, in every width."""
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert find_english_on(page) == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(CUT_OFF) == [], width
        assert page.evaluate(SIDEWAYS) <= 0, width
        assert page.evaluate(WIDE) == [], width
    # Colours are those of English, which both themes are checked in; sizes change with the words.
    for width in (320, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": RULES})
        assert [each["id"] for each in found.response["violations"]] == [], width


@pytest.mark.parametrize("path", PATHS)
def test_page_has_room_for_german(
    desk: Page, stack: Stack, records: list[XrayRecord], path: str
) -> None:
    """With X-rays of each kind in the list, and without any."""
    assert len(records) == len(KINDS)
    desk.goto(f"{stack.url}{path}")
    check(desk)


@pytest.mark.parametrize("kind", KINDS)
def test_xray_of_each_kind_has_room(
    desk: Page, stack: Stack, records: list[XrayRecord], kind: str
) -> None:
    """What the page says in place of film and answers."""
    [xray] = [each for each in records if each.reference.endswith(kind.replace("_", " "))]
    desk.goto(f"{stack.url}/xrays/{xray.id}?film=seen")
    check(desk)


def test_log_in_has_room(browser: Browser, stack: Stack) -> None:
    """Before and after a wrong password."""
    context = browser.new_context(locale="de-AT")
    page = context.new_page()
    page.goto(f"{stack.url}/login")
    check(page)
    page.get_by_label("Name").fill("niemand")
    page.get_by_label("Passwort").fill("falsch")
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("alert")).to_have_text("Der Name oder das Passwort ist falsch.")
    check(page)
    context.close()


def test_reading_has_room(desk: Page, stack: Stack, samples: list[Path], tmp_path: Path) -> None:
    """Film, heat map, answers, undo, comparison with an earlier film, and the keys."""
    for number in (8, 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        send(desk, stack, samples[number], folder, "Breite zweimal")
    expect(desk.locator(".film")).to_have_attribute("data-depth", "full", timeout=15000)
    desk.get_by_role("checkbox", name="Heatmap").check()
    expect(desk.locator(".strongest")).to_contain_text("Am stärksten: ")
    check(desk)
    desk.get_by_role("button", name="Unsicher").click()
    expect(desk.get_by_role("button", name="Rückgängig")).to_be_visible()
    check(desk)
    desk.set_viewport_size({"width": 1440, "height": 900})
    desk.get_by_role("button", name="Vergleichen mit").click()
    expect(desk.locator(".film.earlier")).to_have_attribute("data-depth", "full", timeout=15000)
    check(desk)
    desk.get_by_role("button", name="?: Tasten des Viewers").click()
    expect(desk.get_by_role("heading", name="Tasten des Viewers")).to_be_visible()
    check(desk)
