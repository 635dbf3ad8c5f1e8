"""The heat map: off until asked for, read by everybody, and where the film is."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.films import open_film, press, read_canvas, settle
from tests.browser.person import logged_in_page, unique_copy
from tests.stack import Stack
from tests.store import connect

# Viénot, Brettel and Mollon 1999, on linear RGB.
SIMULATIONS = {
    "trichromat": np.eye(3),
    "protanopia": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deuteranopia": np.array(
        [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]
    ),
    "grey": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}


@pytest.fixture(scope="module")
def desk(
    browser: Browser,
    stack: Stack,
    samples: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Page]:
    """The result page of an X-ray with pneumonia."""
    folder = tmp_path_factory.mktemp("heat")
    with logged_in_page(browser, stack, 1440, 900) as opened:
        open_film(opened, stack, unique_copy(samples[8], folder, "heat"))
        yield opened


@pytest.fixture
def film(desk: Page) -> Page:
    """The same page, with the film as at first and the heat map shown."""
    press(desk, "b")
    desk.get_by_role("checkbox", name="Heat map").check()
    settle(desk)
    return desk


def lightness(rgb: np.ndarray) -> np.ndarray:
    """CIE L* of (..., 3) sRGB from 0 to 255."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def simulate(rgb: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """What such a person sees, as (..., 3) sRGB from 0 to 255."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ matrix.T, 0, 1)
    encoded = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return 255 * encoded


def test_heat_map_is_off_until_asked_for(desk: Page) -> None:
    """Neither colours nor words give away where the model looked; the choice then stays."""
    heat, sentence = desk.locator(".heat"), desk.locator(".strongest")
    desk.evaluate("sessionStorage.removeItem('heat')")
    desk.reload()
    expect(desk.get_by_role("button", name="Unsure")).to_be_enabled()
    expect(heat).to_be_hidden()
    expect(desk.locator(".contours")).to_be_hidden()
    expect(sentence).to_have_text("")
    settle(desk)
    press(desk, "h")
    expect(heat).to_be_visible()
    expect(sentence).to_have_text("Strongest: " + str(sentence.get_attribute("data-sentence"))[11:])
    desk.reload()
    expect(heat).to_be_visible()


def test_sentence_and_picture_name_the_same_place(film: Page, stack: Stack) -> None:
    """The one for everybody is also what a screen reader says of the picture."""
    words = str(film.locator(".strongest").text_content())
    xray_id = film.url.partition("?")[0][-32:]
    assert connect(stack).exists(f"xray:{xray_id}")
    rows = json.loads(str(film.locator(".heat").get_attribute("data-heatmap")))
    row, column = np.unravel_index(np.argmax(rows), np.shape(rows))
    heat = read_canvas(film, ".heat")
    shown = np.argwhere(heat[..., 3] == heat[..., 3].max()).mean(0)
    filled = np.argwhere(heat[..., 3] > 0)
    place = (shown - filled.min(0)) / (filled.max(0) - filled.min(0))
    expected = (np.array([row, column]) + 0.5) / np.shape(rows)
    assert place == pytest.approx(expected, abs=0.5 / min(np.shape(rows)))
    assert ("right" in words) == (place[1] < 0.44)
    assert film.locator(".heat").get_attribute("aria-label") == (
        f"Heat map: strongest in the {words[11:-1]}"
    )


@pytest.mark.parametrize("kind", SIMULATIONS)
@pytest.mark.parametrize("grey", [20, 128, 235])
def test_peak_is_the_most_contrasted_place(film: Page, kind: str, grey: int) -> None:
    """On dark, middle and bright film, for colour-blind people and on a grey monitor."""
    heat = read_canvas(film, ".heat").astype(float)
    rows = np.array(json.loads(str(film.locator(".heat").get_attribute("data-heatmap"))))
    filled = np.argwhere(heat[..., 3] > 0)
    (top, left), (bottom, right) = filled.min(0), filled.max(0) + 1
    part = heat[top:bottom, left:right]
    opacity = 0.45 * part[..., 3:] / 255
    fused = grey * (1 - opacity) + part[..., :3] * opacity
    seen = lightness(simulate(fused, SIMULATIONS[kind]))
    contrast = np.abs(seen - np.median(seen))
    strongest = np.unravel_index(np.argmax(contrast), contrast.shape)
    cell = np.array(strongest) * np.array(rows.shape) / np.array(contrast.shape)
    row, column = np.unravel_index(np.argmax(rows), rows.shape)
    assert np.abs(cell - (np.array([row, column]) + 0.5)).max() <= 0.75


def test_luminance_of_the_scale_rises(film: Page) -> None:
    """Stronger is lighter, all along the colours that are in the picture."""
    heat = read_canvas(film, ".heat").astype(float)
    shown = heat[heat[..., 3] > 88]
    order = np.argsort(shown[:, 3])
    light = lightness(shown[order, :3])
    steps = [light[part].mean() for part in np.array_split(np.arange(len(order)), 12)]
    assert (np.diff(steps) > -0.5).all()
    assert steps[-1] > steps[0] + 25


def test_contours_are_black_and_white(film: Page) -> None:
    """So one of the strokes stands out on any film."""
    lines = read_canvas(film, ".contours")
    drawn = lines[lines[..., 3] == 255][:, :3]
    assert (drawn == 255).all(1).sum() > 50
    assert (drawn == 0).all(1).sum() > 50
    expect(film.locator(".legend span")).to_have_text(["0", "50", "80", "100 %"])


def test_heat_map_follows_the_film(film: Page) -> None:
    """Mirrored, turned and enlarged like it; what lies under its peak stays under it."""

    def under_peak() -> float:
        alpha = read_canvas(film, ".heat")[..., 3]
        row, column = (round(at) for at in np.argwhere(alpha == alpha.max()).mean(0))
        return float(
            read_canvas(film)[row - 6 : row + 7, column - 6 : column + 7, 0].astype(float).mean()
        )

    before = under_peak()
    for key in "xrr":
        press(film, key)
        assert under_peak() == pytest.approx(before, abs=5)
    press(film, "b")
    alpha = read_canvas(film, ".heat")[..., 3]
    row, column = np.argwhere(alpha == alpha.max()).mean(0)
    box = film.locator(".pixels").bounding_box()
    assert box
    film.mouse.move(box["x"] + column, box["y"] + row)
    film.mouse.wheel(0, -500)
    settle(film)
    assert under_peak() == pytest.approx(before, abs=6)
