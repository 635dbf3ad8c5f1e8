"""A note that was typed is not lost with the session."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_states import end_sessions
from tests.browser.test_withheld import send
from tests.stack import Stack


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


def test_note_survives_the_end_of_the_session(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Who logs in again by the link finds it where it was, and saves it."""
    xray_id = send(desk, stack, unique_copy(samples[8], tmp_path, "note"), "Noted")
    desk.get_by_label("Note").fill("Right lower zone")
    end_sessions(stack)
    desk.get_by_role("button", name="Unsure").click()
    desk.get_by_role("link", name="Log in again").click()
    desk.get_by_label("Name").fill(stack.user)
    desk.get_by_label("Password").fill(stack.password)
    desk.get_by_role("button", name="Log in").click()
    desk.wait_for_url(f"**/xrays/{xray_id}*")
    expect(desk.get_by_label("Note")).to_have_value("Right lower zone")
    desk.get_by_role("button", name="Unsure").click()
    expect(desk.locator(".own")).to_contain_text("“Right lower zone”")
    assert not desk.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('note'))")
    desk.get_by_label("Note").fill("Changed")
    desk.get_by_label("Note").fill("Right lower zone")
    assert not desk.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('note'))")


def test_note_is_gone_after_a_log_out(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """The next person at this screen does not find it."""
    send(desk, stack, unique_copy(samples[9], tmp_path, "left-note"), "Left note")
    desk.get_by_label("Note").fill("Not saved")
    assert desk.evaluate("JSON.stringify({...sessionStorage})").find("Not saved") > 0
    desk.get_by_role("button", name="Log out").click()
    expect(desk.get_by_role("heading", name="Log in")).to_be_visible()
    assert desk.evaluate("JSON.stringify({...sessionStorage})").find("Not saved") < 0
