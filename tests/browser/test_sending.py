"""A person sends X-rays over a connection that fails, and without scripts."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.person import drop_files, log_in, unique_copy
from tests.stack import Stack


@pytest.mark.parametrize("status", [None, 502], ids=["broken", "502"])
def test_upload_whose_answer_was_lost_is_sent_once(
    page: Page, samples: list[Path], tmp_path: Path, status: int | None
) -> None:
    """The service has the X-ray, but the browser does not know: "Send again" leads to the same."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    name = f"Lost {width} {status}"
    keys: list[str | None] = []

    def lose_first_answer(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) > 1:
            route.continue_()
            return
        route.fetch()
        if status is None:
            route.abort("connectionreset")
        else:
            route.fulfill(status=status, body="<html>Bad gateway</html>")

    page.route("**/xrays", lose_first_answer)
    page.get_by_label("Your reference").fill(name)
    drop_files(page, unique_copy(samples[7], tmp_path, name.replace(" ", "-")))
    page.get_by_role("button", name="Send again").click()
    page.wait_for_url("**/xrays/*")
    assert len(keys) == 2
    assert keys[0]
    assert keys[0] == keys[1]
    page.goto(page.url.rpartition("/")[0] + f"?q={name.replace(' ', '+')}")
    expect(page.locator(".worklist tbody tr")).to_have_count(1)


def test_each_file_has_a_key_of_its_own(page: Page, samples: list[Path], tmp_path: Path) -> None:
    """Two files dropped together are two uploads."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    keys: list[str | None] = []
    page.on(
        "request",
        lambda sent: (
            keys.append(sent.headers.get("idempotency-key")) if sent.method == "POST" else None
        ),
    )
    copies = [unique_copy(samples[number], tmp_path, f"own{width}{number}") for number in range(2)]
    drop_files(page, *copies)
    expect(page.locator("#sending .good")).to_have_count(2, timeout=20000)
    assert len(set(keys)) == 2
    assert None not in keys
    expect(page.get_by_text("You can send several at once.")).to_be_visible()


def test_form_without_script_sends_one_file(
    browser: Browser, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """The page does not offer several files, and leads to the result."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, stack)
    expect(page.get_by_text("You can send several at once.")).to_be_hidden()
    assert page.locator("#xray").get_attribute("multiple") is None
    page.locator("#xray").set_input_files(unique_copy(samples[9], tmp_path, "noscript"))
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator(".probability")).to_contain_text("probability of pneumonia")
    context.close()
