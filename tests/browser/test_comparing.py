"""An earlier X-ray of the same reference beside the one that is read."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.films import press, read_canvas, settle
from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_withheld import send
from tests.stack import Stack

REFERENCE = "Twice seen/7"

OWN, EARLIER = ".film:not(.earlier)", ".film.earlier"


@pytest.fixture(scope="module")
def pair(
    browser: Browser,
    stack: Stack,
    samples: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Page, str, str]]:
    """The page of the later of two X-rays of one reference, the id of the earlier, and its own.

    Others have references that begin with the same words, or have another case.
    """
    folder = tmp_path_factory.mktemp("pair")
    with logged_in_page(browser, stack, 1440, 900) as page:
        ids = [
            send(page, stack, unique_copy(samples[number], folder, f"pair-{at}"), reference)
            for at, (number, reference) in enumerate(
                [
                    (8, REFERENCE),
                    (1, f"{REFERENCE}0"),
                    (2, REFERENCE.upper()),
                    (3, f"{REFERENCE} B"),
                    (8, REFERENCE),
                ]
            )
        ]
        yield page, ids[0], ids[-1]


@pytest.fixture
def desk(pair: tuple[Page, str, str], stack: Stack) -> Page:
    """The page of the later one, newly opened, with its film at full depth."""
    page, _, own = pair
    page.goto(f"{stack.url}/xrays/{own}")
    expect(page.locator(".film")).to_have_attribute("data-depth", "full", timeout=15000)
    settle(page)
    return page


def compare(page: Page) -> None:
    """Ask for the earlier film by its key, and wait for all of it."""
    press(page, "c")
    expect(page.locator(".film.earlier")).to_have_attribute("data-depth", "full", timeout=15000)
    settle(page)


def grey(page: Page, film: str) -> np.ndarray:
    """What the canvas of one film shows, (height, width) int."""
    return read_canvas(page, film=film)[..., 0].astype(int)


def drag(page: Page, film: str, right: int, down: int, button: str = "left") -> None:
    """From the middle of a film, with the chosen tool."""
    box = page.locator(f"{film} .pixels").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down(button="right" if button == "right" else "left")
    page.mouse.move(x + right, y + down, steps=3)
    page.mouse.up(button="right" if button == "right" else "left")
    settle(page)


def test_only_earlier_xrays_of_the_very_same_reference_are_offered(
    desk: Page, pair: tuple[Page, str, str], stack: Stack
) -> None:
    """Not those whose reference begins alike, nor any later one; by when they were sent."""
    _, earlier, own = pair
    compare(desk)
    choices = desk.get_by_label("Earlier X-ray, by when it was sent").locator("option")
    expect(choices).to_have_count(1)
    assert earlier in str(choices.get_attribute("data-film"))
    expect(choices).to_have_text(re.compile(r"\d{4}.*\d:\d\d"))
    desk.goto(f"{stack.url}/xrays/{earlier}")
    desk.get_by_role("button", name="Compare with").click()
    expect(desk.locator(".search")).to_have_text("None was sent before this one.")
    expect(desk.locator(EARLIER)).to_have_count(0)
    assert own not in desk.content()


def test_nothing_of_it_is_loaded_before_it_is_asked_for(
    desk: Page, pair: tuple[Page, str, str]
) -> None:
    """Nor is it searched for; and then its preview and its film, and nothing else."""
    _, earlier, _ = pair
    asked: list[str] = []
    desk.on("request", lambda sent: asked.append(sent.url))
    desk.reload()
    expect(desk.locator(".film")).to_have_attribute("data-depth", "full", timeout=15000)
    desk.wait_for_load_state("networkidle")
    assert asked
    assert not [url for url in asked if earlier in url or url.endswith("/earlier")]
    compare(desk)
    parts = sorted(url.partition(earlier)[2] for url in asked if earlier in url)
    assert parts == ["/film", "/preview"]


def test_each_film_says_which_it_is(desk: Page) -> None:
    """In words, and with its date; the answers still belong to the one of the page."""
    expect(desk.locator(".which:visible")).to_have_count(0)
    compare(desk)
    own, earlier = desk.locator(".which").all()
    expect(own).to_have_text(
        re.compile(r"This X-ray, sent .*:\d\d.*\. Your answers are about this one\.")
    )
    expect(earlier).to_contain_text("Earlier X-ray, sent ")
    expect(earlier).to_contain_text("Your answers are not about this one.")
    boxes = [desk.locator(f"{film} .pixels").bounding_box() for film in (OWN, EARLIER)]
    assert boxes[0] and boxes[1]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert boxes[0]["y"] == boxes[1]["y"]
    desk.set_viewport_size({"width": 390, "height": 844})
    settle(desk)
    boxes = [desk.locator(f"{film} .pixels").bounding_box() for film in (OWN, EARLIER)]
    assert boxes[0] and boxes[1]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")
    desk.set_viewport_size({"width": 1440, "height": 900})


def test_linked_films_zoom_move_turn_and_mirror_together(desk: Page) -> None:
    """Both are of one image, so that they show the same if they move alike; from either side."""
    compare(desk)
    before = grey(desk, OWN)
    assert np.array_equal(before, grey(desk, EARLIER))

    def changed(what: str) -> None:
        nonlocal before
        own, earlier = grey(desk, OWN), grey(desk, EARLIER)
        assert not np.array_equal(own, before), what
        assert np.abs(own - earlier).max() <= 1, what
        before = own

    for film in (OWN, EARLIER):
        desk.locator(f"{film} .pixels").hover(position={"x": 150, "y": 200})
        desk.mouse.wheel(0, -400)
        settle(desk)
        changed(f"zoom {film}")
        drag(desk, film, 60, -40, "right")
        changed(f"pan {film}")
        for key in "rx":
            press(desk, key)
            changed(f"{key} {film}")
        drag(desk, film, -30, 50, "right")
        changed(f"pan a turned film {film}")
    press(desk, "b")
    assert np.array_equal(grey(desk, OWN), grey(desk, EARLIER))


def test_window_is_that_of_each_film(desk: Page) -> None:
    """Presets and keys change the film that was touched last; at first that of the page."""
    compare(desk)
    before = grey(desk, OWN)
    press(desk, "i")
    assert np.array_equal(grey(desk, EARLIER), before)
    assert not np.array_equal(grey(desk, OWN), before)
    press(desk, "i")
    drag(desk, EARLIER, -80, 30)
    assert np.array_equal(grey(desk, OWN), before)
    assert not np.array_equal(grey(desk, EARLIER), before)
    lung = desk.get_by_role("button", name="Window for lungs")
    lung.click()
    settle(desk)
    expect(lung).to_have_attribute("aria-pressed", "true")
    assert np.array_equal(grey(desk, OWN), before)
    desk.locator(f"{OWN} .pixels").focus()
    expect(lung).to_have_attribute("aria-pressed", "false")


def test_unlinked_films_move_apart_and_keep_their_distance_when_linked_again(desk: Page) -> None:
    """So films that were taken differently can be brought into line first."""
    compare(desk)
    whole = grey(desk, EARLIER)
    press(desk, "t")
    link = desk.get_by_role("button", name="Link")
    expect(link).to_have_attribute("aria-pressed", "false")
    press(desk, "+")
    press(desk, "+")
    assert not np.array_equal(grey(desk, OWN), whole)
    assert np.array_equal(grey(desk, EARLIER), whole)
    link.click()
    assert np.array_equal(grey(desk, EARLIER), whole)
    for key in "++":
        press(desk, key)
    scales = [
        float(desk.locator(f"{film} .film-note").inner_text().split("·")[1].strip("% \n"))
        for film in (OWN, EARLIER)
    ]
    assert scales[0] / scales[1] == pytest.approx(1.25**2, rel=0.03)


def test_it_closes_by_the_same_key_and_by_escape(desk: Page) -> None:
    """Escape removes a ruler first; the film of the page is as before."""
    before = grey(desk, OWN)
    compare(desk)
    press(desk, "c")
    expect(desk.locator(EARLIER)).to_have_count(0)
    settle(desk)
    assert np.array_equal(grey(desk, OWN), before)
    compare(desk)
    press(desk, "m")
    desk.locator(f"{EARLIER} .pixels").focus()
    press(desk, "ArrowRight")
    expect(desk.locator(f"{EARLIER} .measured")).to_contain_text("pixels")
    press(desk, "Escape")
    expect(desk.locator(f"{EARLIER} .measured")).to_have_text("")
    press(desk, "Escape")
    expect(desk.locator(EARLIER)).to_have_count(0)
    expect(desk.get_by_role("button", name="Compare with")).to_be_focused()
    press(desk, "w")


def test_another_earlier_film_can_be_chosen(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """By the list of them, the newest first, which stays when the comparison is closed."""
    ids = [
        send(desk, stack, unique_copy(samples[number], tmp_path, f"thrice-{number}"), "Thrice 3")
        for number in (1, 2, 8)
    ]
    compare(desk)
    press(desk, "c")
    asked: list[str] = []
    desk.on("request", lambda sent: asked.append(sent.url))
    choice = desk.get_by_label("Earlier X-ray, by when it was sent")
    choice.select_option(index=1)
    settle(desk)
    assert asked == []
    compare(desk)
    oldest = grey(desk, EARLIER)
    assert [url for url in asked if ids[0] in url]
    assert not [url for url in asked if ids[1] in url or url.endswith("/earlier")]
    choice.select_option(index=0)
    expect(desk.locator(EARLIER)).to_have_attribute("data-film", f"/xrays/{ids[1]}/film")
    expect(desk.locator(EARLIER)).to_have_attribute("data-depth", "full", timeout=15000)
    settle(desk)
    expect(desk.locator(EARLIER)).to_have_count(1)
    assert not np.array_equal(grey(desk, EARLIER), oldest)


def test_fingers_move_both_films(browser: Browser, desk: Page) -> None:
    """On a phone: two on either film; one scrolls the page until a tool is chosen."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        storage_state=desk.context.storage_state(),
    )
    page = context.new_page()
    page.goto(desk.url)
    page.get_by_role("button", name="Compare with").tap()
    expect(page.locator(EARLIER)).to_have_attribute("data-depth", "full", timeout=15000)
    settle(page)
    pixels = page.locator(f"{EARLIER} .pixels")
    assert pixels.evaluate("part => getComputedStyle(part).touchAction") == "pan-y"
    pixels.scroll_into_view_if_needed()
    before = grey(page, OWN)
    box = pixels.bounding_box()
    assert box
    session = context.new_cdp_session(page)
    for kind, places in (
        ("touchStart", ((150, 100), (200, 100))),
        ("touchMove", ((100, 90), (260, 110))),
        ("touchEnd", ()),
    ):
        points = [
            {"x": box["x"] + x, "y": box["y"] + y, "id": number}
            for number, (x, y) in enumerate(places)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    settle(page)
    own, earlier = grey(page, OWN), grey(page, EARLIER)
    assert not np.array_equal(own, before)
    assert np.abs(own - earlier).max() <= 1
    page.get_by_role("button", name="Drag moves the film").tap()
    assert pixels.evaluate("part => getComputedStyle(part).touchAction") == "none"
    context.close()
