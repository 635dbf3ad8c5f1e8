"""A person whose browser asks for German, and what is English on their page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.person import unique_copy
from tests.pneumonia_web.english import find_english_of
from tests.stack import Stack


@contextmanager
def german_page(browser: Browser, stack: Stack, width: int, height: int) -> Iterator[Page]:
    """A logged-in page in which no script fails."""
    context = browser.new_context(viewport={"width": width, "height": height}, locale="de-DE")
    page, problems = context.new_page(), list[str]()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(stack.url)
    page.get_by_label("Name").fill(stack.user)
    page.get_by_label("Passwort").fill(stack.password)
    page.get_by_role("button", name="Anmelden").click()
    expect(page).to_have_url(f"{stack.url}/xrays")
    page.wait_for_load_state()  # the address changes before the page's scripts run
    yield page
    context.close()
    assert problems == []


def send(page: Page, stack: Stack, sample: Path, folder: Path, mark: str) -> str:
    """Upload an X-ray of its own with `mark` as reference; its page is open, this is its id."""
    page.goto(f"{stack.url}/xrays")
    page.get_by_label("Ihre Referenz").fill(mark)
    page.locator("#xray").set_input_files(unique_copy(sample, folder, mark.replace("/", "-")))
    page.wait_for_url("**/xrays/*")
    expect(page.get_by_role("button", name="Unsicher")).to_be_enabled()
    return page.url.partition("?")[0][-32:]


def find_english_on(page: Page) -> list[str]:
    """The English in the page as scripts have made it, with what is hidden."""
    return find_english_of(page.content())
