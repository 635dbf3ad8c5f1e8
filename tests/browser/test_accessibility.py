"""Axe finds no violation of WCAG 2.2 AA on any page, in either theme, from a phone to 4K."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pneumonia_api.records.record import XrayRecord
from tests.browser.person import drop_files, logged_in_page, unique_copy
from tests.pneumonia_web.listed import KINDS, listed
from tests.stack import Stack

WIDTHS = (320, 390, 1440, 3840)
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

PATHS = (
    *("/xrays?tab=to_review", "/xrays?tab=uncertain", "/xrays?tab=needs_person", "/xrays?tab=all"),
    *(
        "/xrays?q=nothing-has-this-name",
        "/about",
        "/preferences",
        "/deletions",
        "/reader-study",
        "/site",
        "/acceptance",
        "/people",
        "/keys",
        "/models",
        "/password",
        "/second-factor",
        "/join?link=x",
    ),
    *("/unlock", "/nowhere", "/xrays/0"),
)

CUT_OFF = """() => [...document.querySelectorAll("button, summary, .pill")]
    .filter(each => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
    .map(each => each.innerText)"""
"""The words that do not fit into what they stand on."""


@pytest.fixture(scope="module")
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


@pytest.fixture(scope="module")
def records(stack: Stack) -> Iterator[list[XrayRecord]]:
    """An X-ray of each kind, without an image."""
    with listed(stack, "Accessible", *KINDS) as added:
        yield added


def find_violations(page: Page) -> list[str]:
    """What axe finds in each theme and width, with the elements, and words that are cut off."""
    axe, found = Axe(), []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("() => Promise.all(document.getAnimations().map(each => each.finished))")
            found += [f"{theme} {width}: cut off: {text}" for text in page.evaluate(CUT_OFF)]
            results = axe.run(page, options={"resultTypes": ["violations"], "runOnly": RULES})
            found += [
                f"{theme} {width}: {each['id']} {[node['target'] for node in each['nodes']]}"
                for each in results.response["violations"]
            ]
    return found


@pytest.mark.parametrize("path", PATHS)
def test_page_has_no_violation(
    desk: Page, stack: Stack, records: list[XrayRecord], path: str
) -> None:
    """With X-rays of each kind in the list, and without any."""
    assert len(records) == len(KINDS)
    desk.goto(f"{stack.url}{path}")
    assert find_violations(desk) == []


@pytest.mark.parametrize("kind", KINDS)
def test_xray_without_its_image_has_no_violation(
    desk: Page, stack: Stack, records: list[XrayRecord], kind: str
) -> None:
    """Of each kind: what the page says in place of film and answers."""
    [xray] = [each for each in records if each.reference.endswith(kind.replace("_", " "))]
    desk.goto(f"{stack.url}/xrays/{xray.id}")
    assert find_violations(desk) == []


def test_log_in_has_no_violation(browser: Browser, stack: Stack) -> None:
    """Before and after a wrong password."""
    page = browser.new_page()
    page.goto(f"{stack.url}/login")
    assert find_violations(page) == []
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert find_violations(page) == []
    page.close()


def test_judged_xray_has_no_violation(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """The rows of the uploads, the page with film and heat map, the reading, and the undo."""
    desk.goto(f"{stack.url}/xrays")
    drop_files(desk, *(unique_copy(samples[n], tmp_path, f"accessible-{n}") for n in (0, 1)))
    expect(desk.locator("#sending .good")).to_have_count(2, timeout=20000)
    assert find_violations(desk) == []
    desk.locator("#sending a").first.click()
    answer = desk.get_by_role("button", name="Unsure")
    expect(answer).to_be_enabled()
    assert find_violations(desk) == []
    answer.click()
    expect(desk.get_by_role("button", name="Undo")).to_be_visible()
    assert find_violations(desk) == []


def test_violations_are_found(desk: Page, stack: Stack) -> None:
    """In each theme and width, so that an empty list means something."""
    desk.goto(f"{stack.url}/about")
    desk.evaluate(
        "() => document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=x>')"
    )
    found = find_violations(desk)
    assert len([each for each in found if "image-alt" in each]) == 2 * len(WIDTHS)
