"""A person at a browser: log in, send an X-ray, read the result, move the slider."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.stack import Stack

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

# Without these it looks up its maker's hosts at every start, which a closed network refuses.
FLAGS = [
    *("--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine; Debian's package `chromium` brings it")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=False
        )
        yield started
        started.close()


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desk", "phone"])
def page(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A logged-in page in which no script fails and nothing is loaded from elsewhere."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "request",
        lambda sent: (
            None if sent.url.startswith((stack.url, "blob:")) else problems.append(sent.url)
        ),
    )
    opened.goto(stack.url)
    opened.get_by_label("Name").fill(stack.user)
    opened.get_by_label("Password").fill(stack.password)
    opened.get_by_role("button", name="Log in").click()
    expect(opened).to_have_url(f"{stack.url}/xrays")
    yield opened
    context.close()
    assert problems == []


def unique_copy(sample: Path, tmp_path: Path, mark: str) -> Path:
    """The same X-ray with other bytes, so that it is judged anew."""
    copy = tmp_path / f"{mark}.jpeg"
    copy.write_bytes(sample.read_bytes() + mark.encode())
    return copy


def test_xray_from_dialog_to_heat_map(page: Page, samples: list[Path], tmp_path: Path) -> None:
    """The main job: choose a file, read probability, decision and threshold, move the slider."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.get_by_label("Your reference").fill("Study 4711")
    page.locator("#xray").set_input_files(unique_copy(samples[8], tmp_path, f"dialog{width}"))
    page.wait_for_url("**/xrays/*")
    expect(page.locator("h1")).to_have_text(["Pneumonia"])
    expect(page.locator(".probability")).to_contain_text("% probability of pneumonia")
    expect(page.get_by_text("Study 4711")).to_be_visible()
    expect(page.get_by_text("Not a medical device.")).to_be_visible()
    image = page.get_by_alt_text("The chest X-ray that was judged")
    assert image.evaluate("image => image.complete && image.naturalWidth") > 500

    heat = page.locator("canvas.heat")
    painted = heat.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".reduce((most, value, i) => i % 4 == 3 ? Math.max(most, value) : most, 0)"
    )
    assert painted > 100
    assert heat.bounding_box() == pytest.approx(image.bounding_box(), abs=1)
    slider = page.get_by_label("Heat map", exact=True)
    assert heat.evaluate("c => c.style.opacity") == "0.45"
    slider.focus()
    page.keyboard.press("End")
    assert heat.evaluate("c => c.style.opacity") == "1"
    expect(page.locator("output")).to_have_text("100 %")
    slider.fill("0")
    assert heat.evaluate("c => c.style.opacity") == "0"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_dropped_xrays_fill_the_worklist(page: Page, samples: list[Path], tmp_path: Path) -> None:
    """Several at once: each is sent, told of, and appears below without a reload."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    names = [f"drop-{width}-{number}" for number in range(2)]
    copies = [unique_copy(samples[number], tmp_path, name) for number, name in enumerate(names)]
    (tmp_path / "text.jpeg").write_text("no image")
    page.get_by_label("Your reference").fill(f"Drop {width}")
    page.evaluate(
        """async (files) => {
            const transfer = new DataTransfer();
            for (const [name, bytes] of files) {
                transfer.items.add(new File([new Uint8Array(bytes)], name, {type: "image/jpeg"}));
            }
            document.body.dispatchEvent(
                new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        [[path.name, list(path.read_bytes())] for path in (*copies, tmp_path / "text.jpeg")],
    )
    expect(page.locator("#sending li")).to_have_count(3)
    expect(page.locator("#sending .good")).to_have_count(2)
    expect(page.locator("#sending .bad")).to_contain_text("not a JPEG, PNG, TIFF or DICOM")
    rows = page.locator(".worklist tbody tr", has_text=f"Drop {width}")
    expect(rows).to_have_count(2, timeout=8000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keyboard_alone_reaches_a_result(page: Page, samples: list[Path], tmp_path: Path) -> None:
    """Tab and Enter lead from the worklist to a result and back to the log-in page."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.locator("#xray").set_input_files(unique_copy(samples[1], tmp_path, f"keys{width}"))
    page.wait_for_url("**/xrays/*")
    page.get_by_role("link", name="Next X-ray").focus()
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
