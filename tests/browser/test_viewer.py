"""The viewer: window, size and turns of one film, by mouse, touch and key."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.films import deepen, open_film, press, read_canvas, settle, write_dicom
from tests.browser.person import logged_in_page
from tests.stack import Stack


@pytest.fixture(scope="module")
def deep(samples: list[Path]) -> np.ndarray:
    """An X-ray of 12 bits."""
    return deepen(samples[8])


@pytest.fixture(scope="module")
def desk(
    browser: Browser,
    stack: Stack,
    deep: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Page]:
    """The result page of a film of 12 bits with 0.14 mm a pixel on the detector."""
    file = tmp_path_factory.mktemp("film") / "film.dcm"
    write_dicom(
        file, deep, BitsStored=12, HighBit=11, WindowCenter=2000, WindowWidth=3000,
        ImagerPixelSpacing=[0.14, 0.14],
    )  # fmt: skip
    with logged_in_page(browser, stack, 1440, 900) as opened:
        open_film(opened, stack, file)
        yield opened


@pytest.fixture
def film(desk: Page) -> Page:
    """The same page with the film as at first, and the tool for the window."""
    press(desk, "Escape")
    press(desk, "w")
    press(desk, "b")
    return desk


def middle(canvas: np.ndarray, side: int = 300) -> np.ndarray:
    """The grey of the middle of a canvas, (side, side)."""
    top, left = (canvas.shape[0] - side) // 2, (canvas.shape[1] - side) // 2
    return canvas[top : top + side, left : left + side, 0].astype(int)


def windowed(values: np.ndarray, centre: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2."""
    share = (values - (centre - 0.5)) / (width - 1) + 0.5
    return np.rint(255 * np.clip(share, 0, 1)).astype(int)


def find_in(deep: np.ndarray, page: Page) -> np.ndarray:
    """The values of the film in the middle of the canvas at 1:1."""
    canvas = read_canvas(page)
    top = round(deep.shape[0] / 2 - canvas.shape[0] / 2) + (canvas.shape[0] - 300) // 2
    left = round(deep.shape[1] / 2 - canvas.shape[1] / 2) + (canvas.shape[1] - 300) // 2
    return deep[top : top + 300, left : left + 300].astype(int)


def test_one_to_one_shows_every_value_of_the_film(film: Page, deep: np.ndarray) -> None:
    """Through the window of the file, to one grey; the preview's 1,024 pixels could not."""
    press(film, "o")
    shown, values = middle(read_canvas(film)), find_in(deep, film)
    assert np.abs(shown - windowed(values, 2000, 3000)).max() <= 1
    expect(film.locator(".film-note")).to_contain_text("1:1")


def test_narrow_window_shows_what_eight_bits_have_lost(film: Page, deep: np.ndarray) -> None:
    """A drag to the left narrows it, until neighbouring values of 12 bits differ."""
    press(film, "o")
    box = film.locator(".pixels").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for _ in range(3):
        film.mouse.move(x + 200, y)
        film.mouse.down()
        film.mouse.move(x - 250, y, steps=4)
        film.mouse.up()
    settle(film)
    shown, values = middle(read_canvas(film)), find_in(deep, film)
    within = (shown > 0) & (shown < 255)
    greys = {value: int(grey) for value, grey in zip(values[within], shown[within], strict=True)}
    assert len(set(greys.values())) == len(greys) > 4  # each value has a grey of its own
    assert sorted(greys.values()) == [greys[value] for value in sorted(greys)]
    expect(film.get_by_role("button", name="Window as stored in the file")).to_have_attribute(
        "aria-pressed", "false"
    )


def test_level_by_drag_brightens_upward(film: Page) -> None:
    """And the note says where the window is."""
    before = middle(read_canvas(film)).mean()
    note = film.locator(".film-note").text_content()
    box = film.locator(".pixels").bounding_box()
    assert box
    film.mouse.move(box["x"] + 300, box["y"] + 300)
    film.mouse.down()
    film.mouse.move(box["x"] + 300, box["y"] + 200, steps=3)
    film.mouse.up()
    settle(film)
    assert middle(read_canvas(film)).mean() > before + 10
    assert film.locator(".film-note").text_content() != note


def test_presets_differ_and_lead_back(film: Page) -> None:
    """Lungs bright, bones dark, as stored exactly as at first; inverted is the negative."""
    stored = read_canvas(film)
    means = {}
    for key in "687":
        press(film, key)
        means[key] = middle(read_canvas(film)).mean()
    assert means["6"] > means["8"] > means["7"]
    press(film, "9")
    assert np.array_equal(read_canvas(film), stored)
    press(film, "i")
    assert np.array_equal(middle(read_canvas(film)), 255 - middle(stored))
    expect(film.locator(".film-note")).to_contain_text("inverted")


def test_wheel_zooms_at_the_pointer(film: Page) -> None:
    """What is under it stays there."""
    box = film.locator(".pixels").bounding_box()
    assert box
    x, y = box["x"] + 0.6 * box["width"], box["y"] + 0.3 * box["height"]

    def under() -> float:
        canvas = read_canvas(film)
        row, column = round(0.3 * canvas.shape[0]), round(0.6 * canvas.shape[1])
        return float(canvas[row - 3 : row + 4, column - 3 : column + 4, 0].mean())

    before, whole = under(), read_canvas(film)
    film.mouse.move(x, y)
    film.mouse.wheel(0, -600)
    settle(film)
    assert under() == pytest.approx(before, abs=6)
    assert not np.array_equal(read_canvas(film), whole)
    assert film.evaluate("scrollY") == 0
    press(film, "f")
    assert np.array_equal(read_canvas(film), whole)


def test_pan_moves_the_film_with_the_pointer(film: Page) -> None:
    """By as many pixels; with the tool, and with the right button and any tool."""
    press(film, "o")
    for tool, button in (("p", "left"), ("w", "right")):
        press(film, tool)
        before = read_canvas(film)
        box = film.locator(".pixels").bounding_box()
        assert box
        film.mouse.move(box["x"] + 400, box["y"] + 300)
        film.mouse.down(button=button)
        film.mouse.move(box["x"] + 370, box["y"] + 320, steps=3)
        film.mouse.up(button=button)
        settle(film)
        after = read_canvas(film)
        assert np.array_equal(after[120:300, 200:400], before[100:280, 230:430])


def test_turned_four_times_or_mirrored_twice_is_as_before(film: Page) -> None:
    """A turned film is turned as a whole; a mirrored one is marked where nobody overlooks it."""
    before = read_canvas(film)
    mark = film.get_by_text("Mirrored", exact=True)
    expect(mark).to_be_hidden()
    press(film, "x")
    expect(mark).to_be_visible()
    assert np.abs(middle(read_canvas(film))[:, ::-1] - middle(before)).mean() < 1
    press(film, "r")
    turned = read_canvas(film)
    press(film, "x")  # still left and right of the screen
    assert np.abs(middle(read_canvas(film))[:, ::-1] - middle(turned)).mean() < 1
    expect(mark).to_be_hidden()
    press(film, "r")  # the fourth quarter, because mirroring reverses the first
    assert np.array_equal(read_canvas(film), before)


def test_loupe_enlarges_what_is_under_the_pointer(film: Page) -> None:
    """While the button is held."""
    press(film, "l")
    loupe = film.locator(".loupe")
    expect(loupe).to_be_hidden()
    box = film.locator(".pixels").bounding_box()
    assert box
    film.mouse.move(box["x"] + 400, box["y"] + 200)
    film.mouse.down()
    film.mouse.move(box["x"] + 420, box["y"] + 220)
    expect(loupe).to_be_visible()
    inside = read_canvas(film, ".loupe")[..., 0]
    around = read_canvas(film)[220 - 38 : 220 + 38, 420 - 38 : 420 + 38, 0]
    assert inside.mean() == pytest.approx(around.mean(), abs=8)
    film.mouse.up()
    expect(loupe).to_be_hidden()


def test_ruler_measures_in_millimetres_of_the_detector(film: Page) -> None:
    """By mouse and by arrow keys; the scale is that of the file, and the zoom does not matter."""
    press(film, "o")
    press(film, "m")
    box = film.locator(".pixels").bounding_box()
    assert box
    film.mouse.move(box["x"] + 300, box["y"] + 300)
    film.mouse.down()
    film.mouse.move(box["x"] + 400, box["y"] + 300, steps=2)
    film.mouse.up()
    measured = film.locator(".measured")
    expect(measured).to_have_text("14.0 mm on the detector")
    film.keyboard.press("+")
    film.wait_for_timeout(70)
    expect(measured).to_have_text("14.0 mm on the detector")
    press(film, "Escape")
    expect(measured).to_have_text("")
    press(film, "o")
    for _ in range(3):
        press(film, "ArrowRight")
    expect(measured).to_have_text("4.2 mm on the detector")


def test_keys_are_listed_and_can_be_turned_off(film: Page) -> None:
    """`?` with Shift, as on most keyboards; a letter with Shift does nothing."""
    film.keyboard.down("Shift")
    film.wait_for_timeout(70)
    press(film, "I")
    expect(film.locator(".film-note")).not_to_contain_text("inverted")
    press(film, "?")
    film.keyboard.up("Shift")
    keys = film.get_by_role("dialog", name="Keys of the viewer")
    expect(keys).to_contain_text("Drag sets window and level")
    press(film, "Escape")
    expect(keys).to_be_hidden()
    for badge in film.locator(".toolbar [aria-keyshortcuts]").all():
        expect(badge).to_have_accessible_name(str(badge.get_attribute("aria-label")))


def test_preview_alone_is_shown_where_no_film_is_kept(film: Page) -> None:
    """The page works with it, and says that it is no more than that."""
    page = film.context.new_page()

    def refuse(route: Route) -> None:
        route.fulfill(status=503)

    page.context.route("**/film", refuse)
    page.goto(film.url)
    expect(page.locator(".film")).to_have_attribute("data-depth", "preview")
    expect(page.locator(".film-note")).to_contain_text("preview only")
    expect(page.get_by_role("button", name="Unsure")).to_be_enabled()
    press(page, "6")
    press(page, "m")
    press(page, "ArrowRight")
    expect(page.locator(".measured")).to_contain_text("pixels of the preview")
    page.context.unroute("**/film")
    page.close()


@pytest.mark.parametrize("damage", ["no image", "cut", "other filter"])
def test_damaged_film_leaves_the_preview(film: Page, damage: str) -> None:
    """Whatever is not exactly what the worker writes is refused."""
    answer = film.request.get(f"{film.url.partition('?')[0]}/film")
    whole = answer.body()
    body = {
        "no image": b"no image",
        "cut": whole[: len(whole) // 2],
        "other filter": whole[:29] + whole[33:],
    }[damage]
    page = film.context.new_page()
    page.context.route("**/film", lambda route: route.fulfill(body=body, content_type="image/png"))
    page.goto(film.url)
    expect(page.locator(".film-note")).to_contain_text("preview only")
    expect(page.get_by_role("button", name="Unsure")).to_be_enabled()
    page.context.unroute("**/film")
    page.close()


def test_fingers_zoom_and_one_finger_scrolls_until_a_tool_is_chosen(
    browser: Browser, stack: Stack, film: Page
) -> None:
    """On a phone the film must not catch the finger that scrolls the page."""
    state = film.context.storage_state()
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, storage_state=state
    )
    page = context.new_page()
    page.goto(film.url)
    expect(page.locator(".film")).to_have_attribute("data-depth", "full")
    pixels = page.locator(".pixels")
    assert pixels.evaluate("part => getComputedStyle(part).touchAction") == "pan-y"
    settle(page)
    before = read_canvas(page)
    box = pixels.bounding_box()
    assert box
    session = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send(
            "Input.dispatchTouchEvent",
            {
                "type": kind,
                "touchPoints": [
                    {"x": box["x"] + x, "y": box["y"] + y, "id": number}
                    for number, (x, y) in enumerate(points)
                ],
            },
        )

    touch("touchStart", (150, 100), (200, 100))
    touch("touchMove", (100, 100), (250, 100))
    touch("touchEnd")
    settle(page)
    zoomed = read_canvas(page)
    assert not np.array_equal(zoomed, before)
    page.get_by_role("button", name="Drag moves the film").tap()
    assert pixels.evaluate("part => getComputedStyle(part).touchAction") == "none"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
