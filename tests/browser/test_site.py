"""The head of every page, the font, and the dark around a film."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.person import log_in, logged_in_page, unique_copy
from tests.browser.test_withheld import send
from tests.stack import Stack, running_stack

LONGEST = {
    "SERVICE_NAME": "Second look at children's chest X-rays of the whole clinic 123456",
    "SITE_NAME": "Universitaetsklinikum-Musterstadt-Kinderradiologie-Haus-4-Ebene-2",
    "ENVIRONMENT_BADGE": "Test system of the clinic's computing centre: not for patients 12",
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system with names as long as they may be."""
    texts = {name: text[:64] for name, text in LONGEST.items()}
    with running_stack(tmp_path_factory.mktemp("named"), **texts) as running:
        yield running


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_longest_names_fit(browser: Browser, named: Stack, width: int) -> None:
    """Nothing is pushed out of a phone's screen, and all of it is there to read."""
    with logged_in_page(browser, named, width, 800) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.get_by_role("button", name="Log out").is_visible()
        for text in LONGEST.values():
            assert page.get_by_text(text[:64]).first.is_visible()


def read_style(page: Page, selector: str, name: str) -> str:
    """A computed style."""
    return str(page.locator(selector).first.evaluate(f"each => getComputedStyle(each).{name}"))


def test_font_comes_from_here(browser: Browser, stack: Stack) -> None:
    """Inter is loaded once, from this server, and used."""
    with logged_in_page(browser, stack, 1440, 900) as page:
        assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px Inter'))")
        assert page.evaluate("[...document.fonts].map(font => font.status)") == ["loaded"]
        assert read_style(page, "body", "fontFamily").startswith("Inter")
        loaded = page.evaluate(
            "performance.getEntriesByType('resource').filter(r => r.name.includes('woff2')).length"
        )
        assert loaded == 1


def test_caveat_is_no_small_print(browser: Browser, stack: Stack) -> None:
    """16 px, like the text."""
    with logged_in_page(browser, stack, 1440, 900) as page:
        assert read_style(page, "footer p", "fontSize") == "16px"


@pytest.mark.parametrize("width", [390, 1440])
def test_film_is_read_in_the_dark(
    browser: Browser, stack: Stack, samples: list[Path], tmp_path: Path, width: int
) -> None:
    """Also on a light desk: black from the window's edge, with the film before all else."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="light")
    page = context.new_page()
    log_in(page, stack)
    assert read_style(page, "html", "backgroundColor") == "rgb(243, 246, 248)"
    send(page, stack, unique_copy(samples[8], tmp_path, f"dark{width}"), "Dark")
    assert read_style(page, "html", "backgroundColor") == "rgb(12, 18, 22)"
    box = page.locator(".viewer").bounding_box()
    assert box
    assert box["x"] == 0
    assert read_style(page, ".viewer", "backgroundColor") == "rgb(0, 0, 0)"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    caveat = page.locator(".finding .caveat")
    assert caveat.evaluate("each => getComputedStyle(each).fontSize") == "16px"
    context.close()
