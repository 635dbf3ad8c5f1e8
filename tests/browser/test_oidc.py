"""A person logs in by the hospital's own log-in, in a real browser, and out of it again."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from run import PORTS
from tests.browser.test_locking import leave
from tests.oidc.running import RunningProvider, running_provider, write_settings
from tests.stack import Stack, free_ports, start_stack, stop_stack, wait_ready


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, RunningProvider]]:
    """The whole system with a provider."""
    var, ports = tmp_path_factory.mktemp("var"), free_ports([*PORTS, "OIDC"])
    with running_provider(ports.pop("OIDC")) as provider:
        provider.add_person("s-anna", preferred_username="anna", groups=["radiology"])
        provider.add_person("s-stranger", groups=["kitchen"])
        settings = write_settings(provider.issuer, f"http://127.0.0.1:{ports['PORT']}")
        process = start_stack(var, ports, **settings)
        try:
            assert "is ready at" in wait_ready(process)
            yield Stack(var, ports, process), provider
        finally:
            stop_stack(process)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser with nothing in it, on a small telephone."""
    context = browser.new_context(viewport={"width": 320, "height": 640})
    yield context.new_page()
    context.close()


def log_in(page: Page, subject: str = "s-anna") -> None:
    """By the button, at the provider's own page."""
    page.get_by_role("link", name="Log in with your hospital account").click()
    page.locator("input[name=sub]").fill(subject)
    page.get_by_role("button", name="Authorize").click()


def test_round_to_the_provider_and_out_again(
    page: Page, hospital: tuple[Stack, RunningProvider]
) -> None:
    """To the page that was asked for; the log-out ends at the provider's page."""
    stack, provider = hospital
    page.goto(f"{stack.url}/xrays?q=Study")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert Axe().run(page).response["violations"] == []
    log_in(page)
    expect(page).to_have_url(f"{stack.url}/xrays?q=Study")
    expect(page.locator(".who")).to_have_text("anna (SSO)")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile(re.escape(f"{provider.issuer}/oauth2/end_session?")))
    page.goto(f"{stack.url}/xrays")
    expect(page).to_have_url(re.compile("/login"))


def test_refusal_and_stale_page(page: Page, hospital: tuple[Stack, RunningProvider]) -> None:
    """Somebody without a role is told so; the back button, too, leads to a page that helps."""
    stack, _ = hospital
    page.goto(stack.url)
    log_in(page, "s-stranger")
    expect(page.locator("h1")).to_contain_text("Your organisation gives you no role here")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert Axe().run(page).response["violations"] == []
    page.reload()
    expect(page.locator("h1")).to_contain_text("This log-in was finished already")
    log_in(page)
    expect(page).to_have_url(f"{stack.url}/xrays")


def test_locked_page_opens_once_the_person_is_back(
    page: Page, hospital: tuple[Stack, RunningProvider]
) -> None:
    """The log-in is in another tab; this one keeps what was typed."""
    stack, _ = hospital
    page.clock.install()
    page.goto(stack.url)
    log_in(page)
    page.get_by_label("Search").fill("typed")
    leave(page, stack)
    dialog = page.locator("dialog.lock")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Password")).to_have_count(0)
    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name="Log in again with your hospital account").click()
    other = opened.value
    other.locator("input[name=sub]").fill("s-anna")
    other.get_by_role("button", name="Authorize").click()
    expect(other).to_have_url(f"{stack.url}/xrays")
    other.close()
    page.bring_to_front()
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("Search")).to_have_value("typed")
