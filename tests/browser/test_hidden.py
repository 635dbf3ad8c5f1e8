"""A tab that nobody sees asks for nothing, and catches up as soon as it is shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import drop_files, logged_in_page, unique_copy
from tests.stack import ROOT, Stack
from tests.store import connect

QUEUED = "e" * 32


@pytest.fixture
def tab(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


def switch(tab: Page, *, hidden: bool) -> int:
    """Hide or show the tab; returns how many requests the page sends at once.

    A headless Chromium keeps all its tabs visible, so this only claims that it is not.
    """
    sent = tab.evaluate(
        """(hidden) => {
            let sent = 0;
            const count = () => { sent += 1; };
            document.addEventListener("htmx:beforeSend", count);
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
            document.removeEventListener("htmx:beforeSend", count);
            return sent;
        }""",
        hidden,
    )
    return int(sent)


def record_polls(tab: Page) -> list[str]:
    """A list that grows by the address of each request of htmx."""
    found: list[str] = []
    tab.on("request", lambda each: found.extend([each.url] * ("hx-request" in each.headers)))
    return found


def wait_out(tab: Page, polls: int) -> None:
    """Wait until the page's own timer has fired so often, whatever it asked for."""
    tab.evaluate(
        """(polls) => new Promise((resolve) => {
            document.addEventListener("htmx:configRequest", () => { if (!--polls) resolve(); });
        })""",
        polls,
    )


def test_hidden_worklist_does_not_poll(tab: Page, samples: list[Path], tmp_path: Path) -> None:
    """It polls before and after; an upload goes on while it is hidden and is listed when shown."""
    with tab.expect_request("**/xrays?*"):
        pass
    assert switch(tab, hidden=True) == 0
    seen = record_polls(tab)
    drop_files(tab, *[unique_copy(samples[n], tmp_path, f"hidden-{n}") for n in range(2)])
    expect(tab.locator("#sending .good")).to_have_count(2, timeout=20000)
    rows = tab.locator(".worklist tbody tr").count()
    wait_out(tab, 2)
    assert seen == []
    assert tab.locator(".worklist tbody tr").count() == rows
    assert switch(tab, hidden=False) == 1
    for link in tab.locator("#sending a").all():
        address = link.get_attribute("href")
        expect(tab.locator(f".worklist a[href='{address}']")).to_have_count(1)
    with tab.expect_request("**/xrays?*"):
        pass


def test_result_appears_when_its_tab_is_shown(tab: Page, stack: Stack) -> None:
    """The page of a queued X-ray does not poll in the background, and is current at once."""
    store = connect(stack)
    waiting = {"id": QUEUED, "status": "queued", "source": stack.user, "digest": "0"}
    store.hset(f"xray:{QUEUED}", mapping={**waiting, "created_at": "2026-01-01T00:00:00+00:00"})
    tab.goto(f"{stack.url}/xrays/{QUEUED}")
    assert switch(tab, hidden=True) == 0
    seen = record_polls(tab)
    store.hset(f"xray:{QUEUED}", mapping={"status": "failed", "reason": "It could not be read."})
    wait_out(tab, 3)
    assert seen == []
    expect(tab.get_by_role("heading", name="Analysing")).to_be_visible()
    assert switch(tab, hidden=False) == 1
    expect(tab.get_by_role("heading", name="It could not be read.")).to_be_visible()
    store.delete(f"xray:{QUEUED}")


def test_every_poll_rests_in_a_hidden_tab() -> None:
    """A template that polls also refreshes when its tab is shown again."""
    templates = (ROOT / "pneumonia_web" / "templates").glob("*.html")
    triggers = [
        text.split('"')[1]
        for file in templates
        for text in file.read_text().split("hx-trigger=")[1:]
    ]
    polls = [trigger for trigger in triggers if "every " in trigger]
    assert len(polls) == 3
    assert all("s, visibilitychange from:document" in trigger for trigger in polls)
