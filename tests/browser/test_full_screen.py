"""The viewer on the whole screen: by button and by key, and back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.films import press, settle
from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_withheld import send
from tests.stack import Stack

FULL = "document.fullscreenElement?.className ?? ''"


@pytest.fixture(scope="module")
def opened(
    browser: Browser, stack: Stack, samples: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """The page of a result."""
    with logged_in_page(browser, stack, 1440, 900) as page:
        send(page, stack, unique_copy(samples[8], tmp_path_factory.mktemp("screen"), "screen"), "")
        yield page


@pytest.fixture
def desk(opened: Page) -> Page:
    """The same, newly opened."""
    opened.reload()
    expect(opened.locator(".film")).to_have_attribute("data-depth", "full", timeout=15000)
    settle(opened)
    return opened


def test_button_fills_the_screen_and_escape_leaves_it(desk: Page) -> None:
    """The film is larger, its tools work there, and the button says its state."""
    button, film = desk.get_by_role("button", name="Full screen"), desk.locator(".pixels")
    before = film.bounding_box()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert desk.evaluate(FULL) == "viewer"
    settle(desk)
    during = film.bounding_box()
    assert before
    assert during
    assert during["width"] > 1.2 * before["width"]
    press(desk, "i")
    expect(desk.locator(".film-note")).to_contain_text("inverted")
    expect(button).to_be_visible()
    desk.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-pressed", "false")
    settle(desk)
    assert film.bounding_box() == before


def test_key_goes_there_and_back(desk: Page) -> None:
    """`G`; the focus stays on the button."""
    button = desk.get_by_role("button", name="Full screen")
    for pressed, name in (("true", "viewer"), ("false", "")):
        press(desk, "g")
        expect(button).to_have_attribute("aria-pressed", pressed)
        assert desk.evaluate(FULL) == name
        expect(button).to_be_focused()


@pytest.mark.parametrize(
    "refuse", ["Promise.reject(new TypeError('Permissions check failed'))", None]
)
def test_refused_full_screen_says_so(desk: Page, refuse: str | None) -> None:
    """A frame or a policy forbids it, or the browser has none, as on a telephone: one sentence."""
    made = f"() => {refuse}" if refuse else "undefined"
    desk.evaluate(f"() => {{ HTMLElement.prototype.requestFullscreen = {made}; }}")
    press(desk, "g")
    said = desk.locator(".viewer-said")
    expect(said).to_have_text("The browser does not allow the full screen here.")
    expect(desk.get_by_role("button", name="Full screen")).to_have_attribute(
        "aria-pressed", "false"
    )
    press(desk, "i")
    expect(desk.locator(".film-note")).to_contain_text("inverted")
    desk.reload()
