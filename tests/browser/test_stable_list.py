"""What others do to the list never moves the row that a reader is about to open."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from pneumonia_api.records.reviews import Reviews
from tests.browser.person import logged_in_page
from tests.pneumonia_web.listed import listed
from tests.stack import Stack
from tests.store import connect

CLEAR = "no_pneumonia_detected"


@pytest.fixture
def added() -> Iterator[ExitStack]:
    """Records that are added in a test, and deleted after it."""
    with ExitStack() as records:
        yield records


@pytest.fixture
def desk(browser: Browser, stack: Stack, added: ExitStack) -> Iterator[Page]:
    """A worklist with four X-rays at its top."""
    added.enter_context(listed(stack, "Before", *[CLEAR] * 4))
    with logged_in_page(browser, stack, 1440, 900) as opened:
        expect(opened.locator(".worklist tr", has_text="Before")).to_have_count(4)
        yield opened


def await_refresh(desk: Page) -> None:
    """Wait for the answers of two refreshes."""
    for _ in range(2):
        with desk.expect_response(lambda answer: "seen=" in answer.url):
            pass


def place(row: Locator) -> tuple[str | None, dict[str, float] | None]:
    """Which row it is, and where."""
    return row.get_attribute("data-id"), dict(row.bounding_box() or {})


def test_new_rows_wait_while_the_pointer_is_on_one(
    desk: Page, stack: Stack, added: ExitStack
) -> None:
    """The row under the pointer stays there, the counts go on, and one press shows all."""
    row = desk.locator(".worklist tbody tr").nth(1)
    row.hover()
    before, count = place(row), int(desk.locator("#tab-to_review .count").inner_text())
    records = added.enter_context(listed(stack, "After", *[CLEAR] * 3))
    show = desk.get_by_role("button", name="3 new, show")
    expect(show).to_be_visible(timeout=8000)
    assert place(row) == before
    expect(desk.locator("#tab-to_review .count")).to_have_text(str(count + 3))
    expect(desk.locator(".worklist tr", has_text="After")).to_have_count(0)
    added.enter_context(listed(stack, "Later", CLEAR))
    expect(desk.get_by_role("button", name="4 new, show")).to_be_visible(timeout=8000)
    assert place(row) == before
    desk.get_by_role("button", name="4 new, show").click()
    expect(desk.locator(".worklist tr", has_text="After")).to_have_count(3)
    expect(desk.locator(f"#open-{records[-1].id}")).to_be_visible()
    assert str(desk.evaluate("document.activeElement.id")).startswith("open-")
    expect(desk.locator("#show-new")).to_be_hidden()


def test_focused_row_keeps_focus_and_place(desk: Page, stack: Stack, added: ExitStack) -> None:
    """Enter opens what the reader chose, whatever has arrived."""
    link = desk.locator(".worklist .row-link").nth(2)
    chosen = link.get_attribute("id")
    desk.mouse.move(5, 5)
    link.focus()
    before = place(desk.locator(".worklist tbody tr").nth(2))
    added.enter_context(listed(stack, "Focus", CLEAR))
    expect(desk.get_by_role("button", name="1 new, show")).to_be_visible(timeout=8000)
    assert place(desk.locator(".worklist tbody tr").nth(2)) == before
    assert desk.evaluate("document.activeElement.id") == chosen
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**/xrays/{str(chosen)[5:]}**")


def test_row_in_use_changes_inside_and_a_read_one_stays(
    desk: Page, stack: Stack, added: ExitStack
) -> None:
    """What a colleague has read meanwhile fades, and leaves when the reader says so."""
    added.enter_context(listed(stack, "More", *[CLEAR] * 25))
    desk.reload()
    row = desk.locator(".worklist tbody tr").nth(1)
    row.hover()
    before = place(row)
    client = connect(stack)
    client.hset(f"xray:{before[0]}", "reference", "Corrected")
    top = desk.locator(".worklist tbody tr").first.get_attribute("data-id")
    Reviews(client).put(str(top), label="unsure", note="", reader="ann", at=datetime.now(UTC))
    client.close()
    expect(row).to_contain_text("Corrected", timeout=8000)
    assert place(row) == before
    expect(desk.locator(".worklist .gone")).to_have_attribute("data-id", str(top))
    desk.get_by_role("button", name="The list has changed, show").click()
    expect(desk.locator(f"tr[data-id='{top}']")).to_have_count(0)


def test_list_that_nobody_uses_is_current(desk: Page, stack: Stack, added: ExitStack) -> None:
    """New rows appear by themselves; once the list is scrolled, they wait as well."""
    desk.mouse.move(5, 5)
    await_refresh(desk)
    added.enter_context(listed(stack, "Idle", CLEAR))
    expect(desk.locator(".worklist tr", has_text="Idle")).to_have_count(1, timeout=8000)
    expect(desk.locator("#show-new")).to_be_hidden()
    desk.set_viewport_size({"width": 1440, "height": 300})
    desk.locator(".worklist tbody tr").nth(3).scroll_into_view_if_needed()
    desk.evaluate("scrollTo(0, document.getElementById('rows').offsetTop + 60)")
    added.enter_context(listed(stack, "Scrolled", CLEAR))
    expect(desk.get_by_role("button", name="1 new, show")).to_be_visible(timeout=8000)
    expect(desk.locator(".worklist tr", has_text="Scrolled")).to_have_count(0)


def test_filters_apply_at_once_and_stay_in_the_address(
    desk: Page, stack: Stack, added: ExitStack
) -> None:
    """Without a press of the button; back and reload lead to the same list."""
    added.enter_context(listed(stack, "Filtered", "uncertain", CLEAR, "rejected"))
    rows = desk.locator(".worklist tr", has_text="Filtered")
    desk.mouse.move(5, 5)
    desk.get_by_label("AI result", exact=True).select_option("Uncertain")
    expect(rows).to_have_count(1)
    expect(desk).to_have_url(f"{stack.url}/xrays?shown=uncertain")
    search = desk.get_by_label("Search reference")
    search.press_sequentially("filtered", delay=20)
    expect(desk.locator("#tab-all")).to_have_attribute("aria-current", "page")
    expect(search).to_be_focused()
    expect(desk).to_have_url(f"{stack.url}/xrays?shown=uncertain&q=filtered")
    desk.get_by_label("AI result", exact=True).select_option("Every AI result")
    expect(rows).to_have_count(3)
    desk.reload()
    expect(rows).to_have_count(3)
    expect(search).to_have_value("filtered")
    rows.first.get_by_role("link").click()
    desk.get_by_role("link", name="← Worklist").click()
    expect(search).to_have_value("filtered")
    desk.locator("#tab-needs_person").click()
    expect(rows).to_have_count(1)
    expect(desk.get_by_label("Why")).to_be_visible()
    desk.go_back()
    expect(rows).to_have_count(3)
