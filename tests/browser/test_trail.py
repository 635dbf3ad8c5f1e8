"""J and K go on to the next X-ray of the list and back to the one before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_withheld import send
from tests.stack import Stack


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


def test_keys_go_on_and_back(desk: Page, stack: Stack, samples: list[Path], tmp_path: Path) -> None:
    """Back leads to what was open before, with its list; at the first there is no way back."""
    first, second = (
        send(desk, stack, unique_copy(samples[n], tmp_path, f"trail{n}"), f"Trail {n}")
        for n in (1, 2)
    )
    back = desk.get_by_role("link", name="← Previous")
    expect(back).to_be_visible()
    desk.keyboard.press("k")
    desk.wait_for_url(f"**/xrays/{first}*")
    expect(back).to_be_hidden()
    expect(desk.get_by_role("button", name="Unsure")).to_be_enabled()
    desk.keyboard.press("j")
    desk.wait_for_url(lambda url: first not in url and "/xrays/" in url)
    expect(back).to_be_visible()
    assert second
