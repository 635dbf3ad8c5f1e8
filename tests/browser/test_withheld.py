"""What does not hold for this patient or image is withheld until the reader asks for it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import logged_in_page, unique_copy
from tests.model.reading.dicom_objects import build, save
from tests.stack import Stack
from tests.store import connect


@pytest.fixture(scope="module")
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


def send(desk: Page, stack: Stack, file: Path, reference: str) -> str:
    """Upload it; the page is that of its result, and this its id."""
    desk.goto(f"{stack.url}/xrays")
    desk.get_by_label("Your reference").fill(reference)
    desk.locator("#xray").set_input_files(file)
    desk.wait_for_url("**/xrays/*")
    expect(desk.get_by_role("button", name="Unsure")).to_be_enabled()
    return desk.url[-32:]


def read_answers(stack: Stack, xray_id: str) -> list[tuple[str, str | None]]:
    """The label of each reading, and whether the result was shown."""
    values = connect(stack).hgetall(f"xray:{xray_id}")
    entries = [json.loads(text) for name, text in sorted(values.items()) if "reading:" in name]
    return [(entry["label"], entry.get("ai")) for entry in entries]


def test_infants_result_is_withheld(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """A red banner says why; answers give nothing away; the record says what the reader saw."""
    file = tmp_path / "infant.dcm"
    pixels = np.array(Image.open(samples[8]).convert("L"))
    file.write_bytes(save(build(pixels, PatientAge="006M", PatientBirthDate=None)))
    xray_id = send(desk, stack, file, "Infant")
    banner = desk.locator(".banner")
    expect(banner).to_contain_text("Not valid for this patient")
    expect(banner).to_contain_text("younger than 1")
    expect(desk.locator("h1")).to_have_text("Withheld")
    hidden = [desk.locator(".probability"), desk.locator(".withheld .word"), desk.locator(".heat")]
    for part in hidden:
        expect(part).to_be_hidden()
    expect(desk.locator(".choices")).to_have_text("Pneumonia 1 No pneumonia 2 Unsure 3")
    desk.keyboard.press("h")  # no way around
    desk.wait_for_timeout(60)  # a scanner types faster
    expect(desk.locator(".heat")).to_be_hidden()
    desk.keyboard.press("2")
    expect(desk.locator(".verdict")).to_have_text("No pneumonia")
    assert read_answers(stack, xray_id) == [("normal", "hidden")]

    desk.get_by_text("Show anyway").click()
    desk.get_by_role("checkbox", name="Heat map").check()  # off until it is asked for
    for part in hidden:
        expect(part).to_be_visible()
    expect(desk.locator(".withheld .word")).to_have_text("Pneumonia likely")
    desk.keyboard.press("1")
    expect(desk.locator(".own .verdict")).to_have_text("Pneumonia")
    assert read_answers(stack, xray_id)[1:] == [("pneumonia", "shown")]
    desk.get_by_text("All readings (2)").click()
    expect(desk.locator(".history:not(.for-systems)")).to_contain_text("AI result hidden")

    desk.goto(f"{stack.url}/xrays?q=Infant")
    row = desk.locator(".worklist tbody tr")
    expect(row).to_contain_text("Not ages 1 to 120")
    expect(row).to_contain_text("Withheld")
    expect(row).not_to_contain_text("%")


def test_poor_image_has_a_score_on_demand_but_no_verdict(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Not even then a word; the worklist shows neither."""
    xray_id = send(desk, stack, unique_copy(samples[8], tmp_path, "poor"), "Poor")
    quality = {"ok": False, "warnings": ["Unlike most X-rays."], "ood": 0.9}
    connect(stack).hset(f"xray:{xray_id}", "quality", json.dumps(quality))
    desk.reload()
    expect(desk.locator("h1")).to_have_text("No verdict")
    expect(desk.locator(".probability")).to_be_hidden()
    desk.get_by_text("Show the score").click()
    expect(desk.locator(".probability")).to_be_visible()
    expect(desk.locator(".withheld .word")).to_have_count(0)
    expect(desk.locator(".finding")).not_to_contain_text("likely")
    desk.goto(f"{stack.url}/xrays?q=Poor")
    row = desk.locator(".worklist tbody tr")
    expect(row).to_contain_text("Check image")
    expect(row).not_to_contain_text("%")


def test_uncertain_is_said_and_age_is_not_asserted(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Between the limits of the band there is nothing to agree with; a JPEG has no age."""
    xray_id = send(desk, stack, unique_copy(samples[8], tmp_path, "between"), "Between")
    expect(desk.locator(".age")).to_have_text("Age not in the file: valid only for ages 1 to 120")
    expect(desk.locator("h1")).to_have_text("Pneumonia likely")
    store = connect(stack)
    prediction = json.loads(store.hget(f"xray:{xray_id}", "prediction") or "")
    between = {**prediction, "probability": 0.45, "finding": "uncertain"}
    store.hset(f"xray:{xray_id}", "prediction", json.dumps(between))
    desk.reload()
    expect(desk.locator("h1")).to_have_text("Uncertain")
    expect(desk.locator(".probability")).to_contain_text("45 %")
    expect(desk.locator(".meaning").first).to_contain_text("with and without pneumonia score alike")
    desk.keyboard.press("1")
    expect(desk.locator(".verdict")).to_have_text("Pneumonia")
    assert read_answers(stack, xray_id) == [("pneumonia", "shown")]
    desk.goto(f"{stack.url}/xrays?q=Between")
    expect(desk.locator(".worklist .pill")).to_have_text("Uncertain")
    expect(desk.locator(".worklist tbody tr")).not_to_contain_text("agrees")
