"""What the pages show and keep when something fails, and on a large screen."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.person import await_held, drop_files, log_in, logged_in_page, unique_copy
from tests.stack import Stack
from tests.store import connect


def end_sessions(stack: Stack) -> None:
    """Expire the session, as after SESSION_HOURS."""
    store = connect(stack)
    store.delete(*store.scan_iter("session:*"))


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


def test_xrays_dropped_meanwhile_wait_their_turn(
    desk: Page, samples: list[Path], tmp_path: Path
) -> None:
    """A drop during an upload is queued; each keeps the reference that it was dropped with."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    desk.route(desk.url, hold)
    for number in range(5):
        desk.get_by_label("Your reference").fill(f"Turn {number}")
        drop_files(desk, unique_copy(samples[number], tmp_path, f"turn-{number}"))
        expect(desk.get_by_label("Your reference")).to_have_value("")
    expect(desk.locator("#sending li")).to_have_count(5)
    expect(desk.get_by_text("Waiting", exact=True)).to_have_count(2)
    await_held(desk, held, 3)
    for number in range(5):
        await_held(desk, held, min(3 + number, 5))
        held[number].continue_()
        expect(desk.locator("#sending .good")).to_have_count(number + 1, timeout=20000)
    for number in range(5):
        row = desk.locator(".worklist tr", has_text=f"Turn {number}")
        expect(row).to_have_count(1, timeout=8000)


def test_ended_session_stops_the_queue_and_names_what_was_not_sent(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """The rows stay, the log-in is one key away, and it leads back to this page."""
    end_sessions(stack)
    posts: list[str] = []
    desk.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    files = [unique_copy(samples[number], tmp_path, f"end-{number}") for number in range(4)]
    desk.locator("#xray").set_input_files(files)
    expect(desk.locator("#news")).to_contain_text("Your session has ended; not sent: 4 files.")
    for name in (f"end-{number}.jpeg" for number in range(4)):
        expect(desk.locator("#sending .bad", has_text=name)).to_contain_text("Not sent")
    assert len(posts) == 3
    expect(desk.get_by_role("link", name="Log in again")).to_be_focused()
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/login?next=/xrays")


def test_refused_uploads_say_why_whatever_the_body(desk: Page, samples: list[Path]) -> None:
    """The proxy answers with a page, not JSON; what may work later can be sent again."""
    answers = [(413, {}), (429, {"Retry-After": "7"}), (503, {})]

    def refuse(route: Route) -> None:
        status, headers = answers.pop(0)
        route.fulfill(status=status, headers=headers, content_type="text/html", body="<p>No.</p>")

    desk.route("**/xrays", refuse, times=3)
    desk.locator("#xray").set_input_files(samples[:3])
    bad = desk.locator("#sending .bad")
    expect(bad).to_have_count(3)
    expect(bad.nth(0)).to_contain_text("Larger than 25 MB")
    expect(bad.nth(1)).to_contain_text("at once; try again in 7 seconds")
    expect(bad.nth(2)).to_contain_text("is not responding; try again in half a minute")
    expect(bad.nth(0).get_by_role("button")).to_have_count(0)
    bad.nth(1).get_by_role("button", name="Send again").click()
    expect(desk.locator("#sending .good")).to_have_count(1, timeout=20000)


def test_worklist_keeps_its_rows_and_recovers(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Without the service or the session the rows stay, a line says why, and later disappears."""
    files = [unique_copy(samples[number], tmp_path, f"keep-{number}") for number in (0, 1)]
    desk.locator("#xray").set_input_files(files)
    expect(desk.locator("#sending .good")).to_have_count(2, timeout=20000)
    desk.reload()
    rows, news = desk.locator(".worklist tbody tr"), desk.locator("#news")
    expect(rows).not_to_have_count(0)
    expect(news).to_be_hidden()

    desk.context.set_offline(True)
    expect(news).to_contain_text("The service is not responding.", timeout=8000)
    expect(rows).not_to_have_count(0)
    desk.context.set_offline(False)
    expect(news).to_be_hidden(timeout=8000)

    end_sessions(stack)
    expect(news).to_contain_text("Your session has ended. Log in again", timeout=8000)
    expect(rows).not_to_have_count(0)
    with desk.expect_navigation(timeout=20000):
        log_in(desk.context.new_page(), stack)  # in another tab
    expect(news).to_be_hidden()
    expect(rows).not_to_have_count(0)


def test_deleted_while_it_waited_is_said(desk: Page, stack: Stack) -> None:
    """The page of a queued X-ray shows what the API reports."""
    store = connect(stack)
    waiting = {"id": "f" * 32, "status": "queued", "source": stack.user, "digest": "0"}
    store.hset(f"xray:{'f' * 32}", mapping={**waiting, "created_at": "2026-01-01T00:00:00+00:00"})
    desk.goto(f"{stack.url}/xrays/{'f' * 32}")
    expect(desk.get_by_role("heading", name="Analysing")).to_be_visible()
    store.delete(f"xray:{'f' * 32}")
    expect(desk.locator("#news")).to_contain_text("There is no X-ray with this id")
    expect(desk.get_by_role("heading", name="Analysing")).to_be_visible()


def test_warnings_come_before_the_decision(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """An image unlike the training data is marked in the worklist and above its result."""
    desk.get_by_label("Your reference").fill("Warned")
    desk.locator("#xray").set_input_files(unique_copy(samples[6], tmp_path, "warned"))
    desk.wait_for_url("**/xrays/*")
    store = connect(stack)
    quality = {"ok": False, "warnings": ["Unlike the X-rays that it learned on."], "ood": 7.5}
    store.hset(f"xray:{desk.url[-32:]}", "quality", json.dumps(quality))
    desk.reload()
    warning, decision = desk.locator(".warnings"), desk.locator("h1")
    expect(warning).to_contain_text("Unlike the X-rays that it learned on.")
    top, below = warning.bounding_box(), decision.bounding_box()
    assert top and below and top["y"] + top["height"] <= below["y"]
    desk.get_by_role("link", name="Back to the worklist").click()
    expect(desk.locator(".worklist tr", has_text="Warned")).to_contain_text("Check image")
    desk.set_viewport_size({"width": 390, "height": 844})
    table, width = desk.locator(".worklist").bounding_box(), "document.documentElement.clientWidth"
    assert table  # the mark pushes nothing off a phone's screen
    assert table["x"] * 2 + table["width"] == pytest.approx(desk.evaluate(width), abs=1)


def test_image_fills_a_large_screen(
    browser: Browser, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """On 3,840 x 2,160 it is drawn larger than stored, with its heat map, all of it in sight."""
    with logged_in_page(browser, stack, 3840, 2160) as wide:
        wide.locator("#xray").set_input_files(unique_copy(samples[9], tmp_path, "wide"))
        wide.wait_for_url("**/xrays/*")
        image, heat = wide.get_by_alt_text("The analysed chest X-ray"), wide.locator(".heat")
        wide.get_by_role("checkbox", name="Heat map").check()
        expect(heat).to_have_js_property("width", image.evaluate("image => image.clientWidth"))
        expect(heat).to_have_js_property("height", image.evaluate("image => image.clientHeight"))
        box = image.bounding_box()
        assert box and box["height"] > 1500
        assert box["width"] > 2000
        assert heat.bounding_box() == pytest.approx(box, abs=1)
        assert image.evaluate("element => getComputedStyle(element).objectFit") == "contain"
        assert wide.evaluate("document.documentElement.scrollHeight <= innerHeight")
