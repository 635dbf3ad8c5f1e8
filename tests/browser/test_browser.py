"""A person at a browser: log in, send an X-ray, read the result, move the slider."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.person import drop_files, unique_copy


def test_xray_from_dialog_to_heat_map(page: Page, samples: list[Path], tmp_path: Path) -> None:
    """The main job: choose a file, read probability, decision and threshold, move the slider."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.get_by_label("Your reference").fill("Study 4711")
    page.locator("#xray").set_input_files(unique_copy(samples[8], tmp_path, f"dialog{width}"))
    page.wait_for_url("**/xrays/*")
    expect(page.locator("h1")).to_have_text(["Pneumonia likely"])
    expect(page.locator(".probability")).to_contain_text("% probability of pneumonia")
    expect(page.locator(".crumbs")).to_contain_text("Study 4711")
    expect(page.get_by_text("Not a medical device.")).to_be_visible()
    image = page.get_by_alt_text("The analysed chest X-ray")
    assert image.evaluate("image => image.complete && image.naturalWidth") > 500

    heat = page.locator("canvas.heat")
    page.get_by_role("checkbox", name="Heat map").check()
    expect(heat).to_be_visible()
    painted = heat.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".reduce((most, value, i) => i % 4 == 3 ? Math.max(most, value) : most, 0)"
    )
    assert painted > 100
    assert heat.bounding_box() == pytest.approx(image.bounding_box(), abs=1)
    slider = page.get_by_label("Opacity of the heat map")
    assert heat.evaluate("c => c.style.opacity") == "0.45"
    slider.focus()
    page.keyboard.press("End")
    assert heat.evaluate("c => c.style.opacity") == "1"
    expect(page.locator("output")).to_have_text("100 %")
    slider.fill("0")
    assert heat.evaluate("c => c.style.opacity") == "0"
    page.get_by_role("checkbox", name="Heat map").uncheck()
    expect(heat).to_be_hidden()
    slider.fill("50")
    expect(heat).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_dropped_xrays_fill_the_worklist(page: Page, samples: list[Path], tmp_path: Path) -> None:
    """Several at once: each is sent with visible progress, and appears below without a reload."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    names = [f"drop-{width}-{number}" for number in range(2)]
    copies = [unique_copy(samples[number], tmp_path, name) for number, name in enumerate(names)]
    (tmp_path / "text.jpeg").write_text("no image")
    page.get_by_label("Your reference").fill(f"Drop {width}")
    drop_files(page, *copies, tmp_path / "text.jpeg")
    expect(page.locator("#sending li")).to_have_count(3)
    expect(page.locator("#sending .good")).to_have_count(2, timeout=20000)
    expect(page.locator("#sending .bad")).to_contain_text("not a JPEG, PNG, TIFF or DICOM")
    rows = page.locator(".worklist tbody tr", has_text=f"Drop {width}")
    expect(rows).to_have_count(2, timeout=8000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keyboard_alone_reaches_a_result(page: Page, samples: list[Path], tmp_path: Path) -> None:
    """Tab and Enter lead from the worklist to a result and back to the log-in page."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.locator("#xray").set_input_files(unique_copy(samples[1], tmp_path, f"keys{width}"))
    page.wait_for_url("**/xrays/*")
    page.get_by_role("link", name="Back to the worklist").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Recent X-rays")).to_be_visible()
    page.locator(".row-link").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/xrays/*")
    page.get_by_role("button", name="Log out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_deleting_asks_first(page: Page, samples: list[Path], tmp_path: Path) -> None:
    """One click cannot lose a result."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.locator("#xray").set_input_files(unique_copy(samples[2], tmp_path, f"delete{width}"))
    page.wait_for_url("**/xrays/*")
    expect(page.get_by_role("button", name="Delete this X-ray")).to_be_hidden()
    page.get_by_text("Delete …").click()
    page.get_by_role("button", name="Delete this X-ray").click()
    expect(page.get_by_text("were deleted")).to_be_visible()


def test_script_keeps_a_number_and_its_unit_on_one_line(page: Page) -> None:
    """As the server does in every page: no line ends in a bare number."""
    said = page.evaluate("[gettext('%(number)s %%', {number: 17}), gettext('25 MB, 3 minutes')]")
    assert said == ["17\N{NO-BREAK SPACE}%", "25\N{NO-BREAK SPACE}MB, 3 minutes"]
