"""The place of a film is kept free until it arrives, so nothing moves under a finger."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_withheld import send
from tests.stack import Stack


def find_caption(page: Page) -> float:
    """Where the caption begins that follows the film, in pixels."""
    box = page.locator("figcaption").bounding_box()
    assert box
    return box["y"]


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
def test_film_that_arrives_moves_nothing(
    browser: Browser,
    stack: Stack,
    samples: list[Path],
    tmp_path: Path,
    width: int,
    height: int,
) -> None:
    """One of four to three, like most; others move what follows by as much as they differ."""
    with logged_in_page(browser, stack, width, height) as page:
        xray_id = send(page, stack, unique_copy(samples[6], tmp_path, f"steady{width}"), "Steady")
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/preview", hold)
        page.goto(f"{stack.url}/xrays/{xray_id}", wait_until="domcontentloaded")
        expect(page.locator("figcaption")).to_be_visible()
        page.wait_for_timeout(300)  # scripts have added the toolbar
        before = find_caption(page)
        assert held, "the film had arrived"
        held[0].continue_()
        expect(page.get_by_role("button", name="Unsure")).to_be_enabled()
        assert find_caption(page) == pytest.approx(before, abs=5)
