"""A lead takes back what somebody else read, and can undo it for a moment."""

from pathlib import Path

import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.person import unique_copy
from tests.stack import Stack


def test_reading_of_somebody_else_is_taken_back(
    page: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """After a word on what it means; what was done is announced and in the list of readings."""
    page.locator("#xray").set_input_files(unique_copy(samples[8], tmp_path, "reopened"))
    page.wait_for_url("**/xrays/*")
    xray = page.url.rpartition("/")[2].partition("?")[0]
    url = f"{stack.api_url}/v1/xrays/{xray}/review"
    requests.put(url, json={"label": "unsure", "note": ""}, headers=stack.headers, timeout=5)
    page.reload()
    expect(page.locator(".film")).to_have_attribute("data-depth", "full")
    page.locator(".reopen summary").click()
    reopen = page.locator(".reopen")
    expect(reopen).to_contain_text("The reading of machine no longer counts")
    reopen.get_by_label("Why").fill("Wrong side")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert Axe().run(page).response["violations"] == []
    reopen.get_by_role("button", name="Withdraw the reading of machine").click()
    expect(page.locator("#saved")).to_have_text(
        "The reading is withdrawn. Press Z within five seconds to undo."
    )
    expect(page.locator(".reopen")).to_have_count(0)
    page.locator(".history:not(.for-systems) summary").click()
    expect(page.locator(".history:not(.for-systems) li").last).to_contain_text(
        "Withdrawn: 1, the reading of machine “Wrong side” you"
    )
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".reopen")).to_have_count(1)
