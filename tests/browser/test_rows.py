"""A day's list on one screen: rows, what is in them, and the film beside them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pneumonia_api.records.record import new_xray
from pneumonia_api.records.xrays import XrayStore
from tests.browser.person import log_in, logged_in_page, unique_copy
from tests.browser.test_withheld import send
from tests.pneumonia_api.records.judged import judged_as
from tests.pneumonia_web.listed import listed
from tests.stack import Stack
from tests.store import connect

WORD = "W" * 64


@pytest.fixture
def day(stack: Stack) -> Iterator[None]:
    """Twenty-six X-rays that are to review."""
    with listed(stack, "Day", *["uncertain", "no_pneumonia_detected"] * 13):
        yield


@pytest.fixture
def word(stack: Stack) -> Iterator[str]:
    """An X-ray whose reference is one word as long as it may be."""
    client = connect(stack)
    xray = judged_as(new_xray("doctor", "word", WORD), "no_pneumonia_detected", 0.175)
    xray = replace(xray, id=f"{int(xray.id[:12], 16) + 99:012x}{xray.id[12:]}")
    XrayStore(client).add(xray)
    yield xray.id
    XrayStore(client).delete(xray)
    client.close()


def test_twelve_rows_of_forty_pixels_are_above_the_fold(
    browser: Browser, stack: Stack, day: None
) -> None:
    """At 1440 x 900, with each tab; their texts are in one line each."""
    with logged_in_page(browser, stack, 1440, 900) as desk:
        for tab in ("to_review", "all"):
            desk.locator(f"#tab-{tab}").click()
            expect(desk.locator(f"#tab-{tab}")).to_have_attribute("aria-current", "page")
            rows = [row.bounding_box() for row in desk.locator(".worklist tbody tr").all()]
            assert {box["height"] for box in rows if box} == {40}
            assert sum(box["y"] + box["height"] <= 900 for box in rows if box) >= 12


@pytest.mark.parametrize("width", [320, 390, 768, 1440, 1600, 3840])
def test_no_width_cuts_off_a_reference_or_scrolls(
    browser: Browser, stack: Stack, word: str, width: int
) -> None:
    """A word of 64 characters ends in dots or is wrapped; a per cent sign keeps its number."""
    with logged_in_page(browser, stack, width, 900) as page:
        row = page.locator(f"tr[data-id='{word}']")
        expect(row.locator(".row-link")).to_have_attribute("title", WORD)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        figure = row.locator(".figure")
        expect(figure).to_have_text("18 %")
        box = figure.bounding_box()
        assert box
        assert box["height"] < 32 * max(width / 2560, 1)
        assert box["x"] + box["width"] <= width


def test_row_has_thumbnail_score_and_threshold(
    browser: Browser, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """A small copy of the film that is really one, and a tick where the threshold is."""
    with logged_in_page(browser, stack, 1440, 900) as desk:
        xray_id = send(desk, stack, unique_copy(samples[8], tmp_path, "thumb"), "Thumbnail")
        desk.goto(f"{stack.url}/xrays")
        row = desk.locator(f"tr[data-id='{xray_id}']")
        image = row.locator("img.thumb")
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 96
        tick, bar = row.locator(".meter line"), row.locator(".meter rect").last
        assert float(tick.get_attribute("x1") or 0) < float(bar.get_attribute("width") or 0)
        expect(row.locator(".age")).to_have_text("· now")


def test_film_stands_beside_the_list(
    browser: Browser, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """From 1600 pixels on, of the row under the pointer or the focus; narrower there is none."""
    with logged_in_page(browser, stack, 1600, 900) as desk:
        first = send(desk, stack, unique_copy(samples[8], tmp_path, "pane1"), "Pane 1")
        second = send(desk, stack, unique_copy(samples[9], tmp_path, "pane2"), "Pane 2")
        desk.goto(f"{stack.url}/xrays")
        pane, row = desk.locator("#pane"), desk.locator(f"tr[data-id='{first}']")
        expect(pane).to_contain_text("Point at a row")
        before = row.bounding_box()
        row.hover()
        expect(pane.get_by_alt_text("Film of Pane 1")).to_be_visible()
        assert row.bounding_box() == before
        desk.locator(f"#open-{second}").focus()
        film = pane.get_by_alt_text("Film of Pane 2")
        expect(film).to_be_visible()
        assert film.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
        desk.set_viewport_size({"width": 1599, "height": 900})
        expect(pane).to_be_hidden()


def test_refused_image_stands_under_needs_a_person_with_its_preview(
    browser: Browser, stack: Stack, tmp_path: Path, photograph: Path
) -> None:
    """It is not lost: the row and the page show it, so that a person sees what it is."""
    with logged_in_page(browser, stack, 1440, 900) as desk:
        desk.get_by_label("Your reference").fill("Refused")
        desk.locator("#xray").set_input_files(photograph)
        desk.wait_for_url("**/xrays/*")
        preview = desk.get_by_alt_text("The image that was not analysed")
        assert preview.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
        desk.goto(f"{stack.url}/xrays?tab=needs_person")
        row = desk.locator(".worklist tr", has_text="Refused")
        expect(row).to_contain_text("Not analysed")
        assert row.locator("img.thumb").evaluate("image => image.decode().then(() => true)")


def test_list_works_without_scripts(browser: Browser, stack: Stack, day: None) -> None:
    """Tabs, filters and orders are links and a form; nothing is shown that does nothing."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, stack)
    page.locator("#tab-all").click()
    page.get_by_label("AI result", exact=True).select_option("Uncertain")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".worklist tr", has_text="Day uncertain")).to_have_count(13)
    expect(page.locator(".worklist tr", has_text="Day no")).to_have_count(0)
    for part in ("#show-new", "#pane"):
        expect(page.locator(part)).to_be_hidden()
    page.locator("#tab-all").click()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    context.close()
