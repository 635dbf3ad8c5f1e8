"""An earlier film beside the present one gives nothing away, and nobody signs it by mistake."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.films import press, read_canvas, settle
from tests.browser.person import await_held, logged_in_page, unique_copy
from tests.browser.test_accessibility import find_violations
from tests.browser.test_after_reading import choose
from tests.browser.test_locking import leave
from tests.browser.test_withheld import read_answers, send
from tests.stack import Stack

OWN, EARLIER = ".film:not(.earlier)", ".film.earlier"


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


def send_twice(
    desk: Page, stack: Stack, samples: list[Path], folder: Path, mark: str
) -> tuple[str, str]:
    """Two X-rays with `mark` as their reference: their ids. The page is that of the later one."""
    files = [unique_copy(samples[at], folder, f"{mark}-{at}") for at in (1, 8)]
    earlier, own = (send(desk, stack, file, mark) for file in files)
    settle(desk)
    return earlier, own


def compare(desk: Page) -> None:
    """Ask for the earlier film by its key, and wait until it is drawn."""
    press(desk, "c")
    expect(desk.locator(f"{EARLIER} .pixels")).to_be_visible()
    settle(desk)


def test_who_reads_first_learns_nothing_of_the_earlier_result(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Neither from the page as it was sent nor from what the comparison shows or loads."""
    choose(desk, stack, reads_first=True)
    earlier, own = send_twice(desk, stack, samples, tmp_path, "Blind pair")
    asked: list[str] = []
    desk.on("request", lambda sent: asked.append(sent.url))
    compare(desk)
    expect(desk.locator(EARLIER)).to_have_attribute("data-depth", "full", timeout=15000)
    assert {url.partition(earlier)[2] for url in asked if earlier in url} == {"/preview", "/film"}
    sent = desk.evaluate("fetch(location.href).then((answer) => answer.text())")
    for told in (sent, desk.content()):
        for revealing in ("likely", "heatmap=", "probability", "agrees", "Agree", "figcaption"):
            assert revealing not in told, revealing
    frame = desk.get_by_role("group", name="Earlier X-ray, not the one that you answer")
    expect(frame).not_to_contain_text("neumonia")
    desk.keyboard.press("2")
    expect(desk.locator("h1")).to_have_text("Pneumonia likely")
    assert read_answers(stack, own) == [("normal", "hidden")]
    assert read_answers(stack, earlier) == []
    choose(desk, stack, reads_first=False)


def test_answer_beside_an_earlier_film_is_about_this_xray(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Also by key while the earlier film has the focus."""
    earlier, own = send_twice(desk, stack, samples, tmp_path, "Signed pair")
    compare(desk)
    desk.locator(f"{EARLIER} .pixels").focus()
    press(desk, "u")
    expect(desk.locator(".own .verdict")).to_contain_text("Unsure")
    assert read_answers(stack, own) == [("unsure", "shown")]
    assert read_answers(stack, earlier) == []
    expect(desk.locator(EARLIER)).to_be_visible()


def test_earlier_film_is_not_the_film_that_must_be_seen(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """While that of this X-ray is not displayed there is no comparison, and no answer."""
    send(desk, stack, unique_copy(samples[1], tmp_path, "unseen"), "Unseen pair")
    desk.route("**/xrays/*/preview*", lambda route: route.fulfill(status=503))
    desk.goto(f"{stack.url}/xrays")
    desk.get_by_label("Your reference").fill("Unseen pair")
    desk.locator("#xray").set_input_files(unique_copy(samples[8], tmp_path, "unseen later"))
    desk.wait_for_url("**/xrays/*")
    expect(desk.get_by_text("The film could not be displayed")).to_be_visible()
    expect(desk.locator("[data-act=compare]")).to_have_count(1)
    press(desk, "c")
    expect(desk.locator(EARLIER)).to_have_count(0)
    expect(desk.get_by_role("button", name="Unsure")).to_be_disabled()


def test_earlier_film_that_cannot_be_displayed_says_so(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """In its frame; the one of the page stays as it is, and asking again shows both."""
    earlier, _ = send_twice(desk, stack, samples, tmp_path, "Lost pair")
    desk.route(f"**/{earlier}/preview", lambda route: route.fulfill(status=503))
    press(desk, "c")
    expect(desk.locator(EARLIER).get_by_role("alert")).to_contain_text("could not be displayed")
    before = read_canvas(desk, film=OWN)
    press(desk, "+")
    assert not np.array_equal(read_canvas(desk, film=OWN), before)
    expect(desk.get_by_role("button", name="Unsure")).to_be_enabled()
    desk.unroute(f"**/{earlier}/preview")
    press(desk, "c")
    expect(desk.locator(EARLIER)).to_have_count(0)
    compare(desk)


def test_search_says_that_it_goes_on_and_that_it_failed(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Beside its button, which keeps the focus; pressed again, it finds; a link does the same."""
    earlier, own = send_twice(desk, stack, samples, tmp_path, "Slow pair")
    held: list[Route] = []
    desk.route("**/earlier", lambda route: held.append(route))  # noqa: PLW0108  it must have a frame
    button, search = desk.get_by_role("button", name="Compare with"), desk.locator(".search")
    press(desk, "c")
    expect(search).to_have_text("Looking for it …")
    await_held(desk, held, 1)
    held[0].fulfill(status=503, body="")
    expect(search).to_have_text("The search failed; press again.")
    expect(desk.locator("#news")).to_have_text("")
    expect(button).to_be_focused()
    desk.unroute("**/earlier")
    compare(desk)
    expect(search).to_have_text("")
    desk.goto(f"{stack.url}/xrays/{own}/earlier")
    assert find_violations(desk) == []
    desk.get_by_role("main").get_by_role("link", name="X-ray of").first.click()
    assert desk.url.endswith(earlier)


def test_locked_page_hides_both_films(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """And shows both again after the password."""
    desk.clock.install()
    send_twice(desk, stack, samples, tmp_path, "Locked pair")
    desk.get_by_role("button", name="Compare with").click()
    films = [desk.locator(f"{film} img") for film in (OWN, EARLIER)]
    for film in films:
        expect(film).to_be_visible()
    leave(desk, stack)
    expect(desk.get_by_role("dialog", name="Locked")).to_be_visible()
    for film in films:
        expect(film).to_be_hidden()
    desk.keyboard.press("Escape")
    desk.get_by_label("Password of").fill(stack.password)
    desk.keyboard.press("Enter")
    for film in films:
        expect(film).to_be_visible()


def test_comparison_has_no_violation(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Of WCAG 2.2 AA: before, during and after it, in each theme, from a phone to 4K."""
    send_twice(desk, stack, samples, tmp_path, "Accessible pair")
    assert find_violations(desk) == []
    desk.set_viewport_size({"width": 1440, "height": 900})
    compare(desk)
    assert find_violations(desk) == []
