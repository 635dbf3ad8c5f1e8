"""A person records a reading by mouse or key, changes it, and is shown a failure to save."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.person import logged_in_page, unique_copy
from tests.stack import Stack

# Text and contrast of every part of the panel that has text of its own.
CONTRAST = """() => {
    const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const lightness = (colour) => {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map((value) =>
            value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (part) => {
        const colour = getComputedStyle(part).backgroundColor;
        return colour === "rgba(0, 0, 0, 0)" ? ground(part.parentElement) : colour;
    };
    const own = (part) =>
        [...part.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    return [...document.querySelectorAll("#reading *")]
        .filter((part) => part.checkVisibility() && (own(part) || part.matches("#note")))
        .map((part) => {
            const levels = [getComputedStyle(part).color, ground(part)].map(lightness);
            return [part.outerHTML, (Math.max(...levels) + 0.05) / (Math.min(...levels) + 0.05)];
        });
}"""


@pytest.fixture
def result(page: Page, samples: list[Path], tmp_path: Path, request: pytest.FixtureRequest) -> Page:
    """The page of an X-ray that the model called pneumonia and nobody has read."""
    page.locator("#xray").set_input_files(unique_copy(samples[8], tmp_path, request.node.name))
    page.wait_for_url("**/xrays/*")
    page.wait_for_load_state()
    expect(page.locator("h1")).to_have_text("Pneumonia likely")
    # The viewer has fetched its film, which is the last request that the page sends by itself.
    expect(page.locator(".film")).to_have_attribute("data-depth", "full")
    return page


def test_reading_by_mouse_and_change_of_mind(result: Page) -> None:
    """One click saves reading and note; another replaces it; both are announced, and stay."""
    expect(result.locator(".choices [aria-pressed=true]")).to_have_count(0)
    result.get_by_label("Note").fill("Rotated film")
    result.get_by_role("button", name="Disagree").click()
    recorded = result.locator(".recorded")
    expect(recorded.locator(".verdict")).to_have_text("No pneumonia, disagrees with the AI result")
    expect(recorded).to_contain_text("“Rotated film”")
    expect(recorded).to_contain_text("Recorded by you, ")
    expect(result.locator("#saved")).to_have_text(
        "Saved: No pneumonia, disagrees with the AI result. Press Z within five seconds to undo."
    )
    result.get_by_role("button", name="Unsure").click()
    expect(recorded.locator(".verdict")).to_have_text("Unsure: the image is inconclusive")
    result.reload()
    result.locator(".film").scroll_into_view_if_needed()
    expect(recorded.locator(".verdict")).to_have_text("Unsure: the image is inconclusive")
    expect(result.get_by_label("Note")).to_have_value("Rotated film")
    result.get_by_label("Note").fill("Ask Ann")
    result.get_by_role("button", name="Save note").click()
    expect(recorded).to_contain_text("“Ask Ann”")
    assert result.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(result.get_by_role("link", name="Next to review")).to_be_visible()
    result.get_by_role("link", name="← Worklist").click()
    result.locator("#tab-all").click()
    result.get_by_label("Reading", exact=True).select_option("Reviewed")
    expect(result.locator(".worklist tbody tr").first).to_contain_text("Unsure")


def test_reading_by_keys(result: Page) -> None:
    """A, D and U answer, N leads to the note; while typing they are letters; focus is not lost."""
    result.keyboard.press("d")
    verdict = result.locator(".verdict")
    expect(verdict).to_have_text("No pneumonia, disagrees with the AI result")
    expect(result.get_by_role("button", name="Disagree")).to_be_focused()
    result.keyboard.press("n")
    expect(result.get_by_label("Note")).to_be_focused()
    result.keyboard.type("Add a lateral, unsure", delay=60)
    expect(result.get_by_label("Note")).to_have_value("Add a lateral, unsure")
    result.wait_for_timeout(60)  # a scanner ends its code at once
    result.keyboard.press("Enter")
    expect(result.locator(".said").first).to_have_text("“Add a lateral, unsure”")
    expect(verdict).to_have_text("No pneumonia, disagrees with the AI result")
    result.keyboard.press("Tab")
    result.keyboard.press("Control+a")
    result.wait_for_timeout(60)
    result.keyboard.press("u")
    expect(verdict).to_have_text("Unsure: the image is inconclusive")
    heat = result.locator(".heat")
    result.keyboard.press("h")
    expect(heat).to_be_visible()
    result.keyboard.press("h")
    expect(heat).to_be_hidden()


def test_keys_can_be_turned_off(result: Page) -> None:
    """For speech input: then no letter records a reading, here and on every later page."""
    keys = result.get_by_label("Keyboard shortcuts")
    badge = result.locator(".choices kbd").first
    expect(badge).to_be_visible()
    keys.uncheck()
    expect(badge).to_be_hidden()
    result.reload()
    result.locator(".film").scroll_into_view_if_needed()
    expect(keys).not_to_be_checked()
    expect(result.get_by_role("button", name="Unsure")).to_be_enabled()
    sent: list[str] = []
    result.on("request", lambda each: sent.append(each.method))
    result.keyboard.press("a")
    keys.check()
    result.wait_for_timeout(60)
    result.keyboard.press("u")
    expect(result.locator(".verdict")).to_contain_text("Unsure")
    assert sent == ["POST"]


def test_enter_in_the_note_answers_nothing(result: Page) -> None:
    """A note alone is not a reading, least of all agreement: the page asks for one."""
    sent: list[str] = []
    result.on("request", lambda each: sent.append(each.method))
    result.get_by_label("Note").fill("Rotated film")
    result.keyboard.press("Enter")
    expect(result.get_by_role("alert")).to_contain_text("Choose a reading first")
    assert sent == []
    expect(result.get_by_label("Note")).to_have_value("Rotated film")


def test_reading_that_was_not_saved_is_said_and_kept(result: Page) -> None:
    """The page shows progress and failure; the note stays, and nothing looks saved."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    result.route("**/review", hold, times=1)
    result.get_by_label("Note").fill("Rotated film")
    with result.expect_request("**/review"):
        result.get_by_role("button", name="Disagree").click()
    expect(result.get_by_text("Saving …")).to_be_visible()
    held[0].fulfill(status=503, content_type="text/html", body="<p>No.</p>")
    problem = result.get_by_role("alert")
    expect(problem).to_have_text(
        "Not saved. The service is not responding; try again in half a minute."
    )
    expect(result.get_by_text("Saving …")).to_be_hidden()
    expect(result.locator(".choices [aria-pressed=true]")).to_have_count(0)
    expect(result.locator("#news")).to_be_hidden()
    result.get_by_role("button", name="Disagree").click()
    expect(result.locator(".recorded")).to_contain_text("“Rotated film”")
    expect(problem).to_be_hidden()

    result.context.clear_cookies()
    result.get_by_role("button", name="Unsure").click()
    expect(problem).to_have_text("Not saved. Your session has ended; log in again.")
    expect(result.locator("#news")).to_contain_text("Log in again")


def test_reading_without_scripts(
    browser: Browser, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """The form alone does it; what only a script can do is not shown."""
    with logged_in_page(browser, stack, 1440, 900) as page:
        page.locator("#xray").set_input_files(unique_copy(samples[8], tmp_path, "no-script"))
        page.wait_for_url("**/xrays/*")
        state = page.context.storage_state()
        context = browser.new_context(java_script_enabled=False, storage_state=state)
        plain = context.new_page()
        plain.goto(page.url)
        expect(plain.get_by_label("Keyboard shortcuts")).to_be_hidden()
        expect(plain.locator(".choices kbd").first).to_be_hidden()
        expect(plain.get_by_role("button", name="Disagree")).to_be_disabled()
        expect(plain.locator("h1")).to_be_hidden()
        plain.get_by_role("link", name="show the result and the answers").click()
        expect(plain.locator("h1")).to_be_visible()
        plain.get_by_label("Note").fill("Plain")
        plain.get_by_role("button", name="Disagree").click()
        expect(plain.locator(".verdict")).to_have_text("No pneumonia, disagrees with the AI result")
        expect(plain.locator(".said")).to_have_text("“Plain”")
        expect(plain.get_by_role("button", name="Undo")).to_be_hidden()
        plain.get_by_role("button", name="Withdraw reading").click()
        expect(plain.locator(".verdict")).to_have_count(0)
        context.close()


def test_panel_has_contrast_in_both_schemes(result: Page) -> None:
    """Every text of it, before and after an answer: 4.5 to 1 on its ground, as WCAG AA asks for."""
    for word in (None, "Disagree"):
        if word:
            result.get_by_label("Note").fill("Rotated film")
            result.get_by_role("button", name=word).click()
            expect(result.locator(".recorded")).to_be_visible()
            result.mouse.move(0, 0)
        for scheme in ("light", "dark"):
            result.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            ratios = result.evaluate(CONTRAST)
            assert len(ratios) > 8
            assert {text: ratio for text, ratio in ratios if ratio < 4.5} == {}
