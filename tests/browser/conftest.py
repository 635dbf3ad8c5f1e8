"""A real browser, and a logged-in page in the two sizes that most have."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sklearn.datasets import load_sample_image

from tests.browser.person import logged_in_page
from tests.stack import Stack

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

# Without these it looks up its maker's hosts at every start, which a closed network refuses.
FLAGS = [
    *("--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine; Debian's package `chromium` brings it")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=False
        )
        yield started
        started.close()


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """An image that is no X-ray."""
    file = tmp_path / "flower.jpeg"
    Image.fromarray(load_sample_image("flower.jpg")).save(file, "JPEG")
    return file


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desk", "phone"])
def page(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, *request.param) as opened:
        yield opened
