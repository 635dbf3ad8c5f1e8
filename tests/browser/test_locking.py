"""A page that nobody uses hides the film, and goes on with what was typed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_withheld import send
from tests.pneumonia_web.idle_session import COOKIE, age_cookie
from tests.stack import Stack


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page whose clock the test sets."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        opened.clock.install()
        yield opened


def leave(desk: Page, stack: Stack) -> None:
    """Let 16 minutes pass for the page, and somewhat more for the server."""
    [cookie] = [each for each in desk.context.cookies() if each["name"] == COOKIE]
    value = age_cookie(stack, cookie["value"], 17 * 60)
    desk.context.add_cookies([{"name": COOKIE, "value": value, "url": stack.url}])
    desk.clock.fast_forward("16:00")


def test_idle_page_hides_the_film_and_keeps_the_note(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """No key gets around the lock; a wrong password is said; after the right one all is there."""
    send(desk, stack, unique_copy(samples[8], tmp_path, "idle"), "Idle")
    desk.get_by_label("Note").fill("Ask Ann")
    leave(desk, stack)
    dialog = desk.get_by_role("dialog", name="Locked")
    expect(dialog).to_be_visible()
    expect(desk.locator(".film img")).to_be_hidden()
    desk.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    password = desk.get_by_label(f"Password of {stack.user}")
    expect(password).to_be_focused()
    password.fill("wrong-password")
    desk.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("The password is wrong.")
    password.fill(stack.password)
    desk.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(desk.locator(".film img")).to_be_visible()
    expect(desk.get_by_label("Note")).to_have_value("Ask Ann")
    desk.clock.run_for(1000)
    desk.get_by_role("button", name="Unsure").click()
    expect(desk.locator(".said").first).to_have_text("“Ask Ann”")


def test_locked_tab_asks_for_nothing_and_unlocks_with_another(desk: Page, stack: Stack) -> None:
    """Its refreshes stop; the password in one tab opens the other, too."""
    desk.goto(f"{stack.url}/xrays")
    other = desk.context.new_page()
    other.goto(f"{stack.url}/xrays")
    leave(desk, stack)
    expect(desk.get_by_role("dialog", name="Locked")).to_be_visible()
    asked: list[str] = []
    desk.on("request", lambda sent: asked.append(sent.url))
    desk.clock.run_for(10000)
    assert asked == []
    other.reload()
    expect(other).to_have_url(f"{stack.url}/unlock?next=/xrays")
    other.get_by_label("Password of").fill(stack.password)
    other.get_by_role("button", name="Unlock").click()
    expect(other).to_have_url(f"{stack.url}/xrays")
    other.mouse.move(10, 10)
    other.evaluate("localStorage.setItem('active', Date.now())")
    expect(desk.get_by_role("dialog", name="Locked")).to_be_hidden()
