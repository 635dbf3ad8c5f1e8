"""`film` through `read_xray`: what surrounds a film changes neither picture nor result."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.reading.film import find_film
from model.reading.xray import XrayImage, read_xray
from model.serving.predictor import Predictor
from tests.model.reading.surrounds import (
    BLACK,
    GREY,
    WHITE,
    add_border,
    as_jpeg,
    pad_to_square,
    show_in_viewer,
    write_text,
)


@pytest.fixture
def films(samples: list[Path]) -> list[Path]:
    """Three of the samples, one normal; none has a black edge of its own."""
    return [samples[1], samples[8], samples[12]]


def read(picture: np.ndarray) -> XrayImage:
    """The picture, read from a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return read_xray(buffer.getvalue())


def agree(one: XrayImage, other: XrayImage) -> float:
    """Mean difference in grey levels of the two pictures at one size."""
    small = [
        np.asarray(Image.fromarray(x.pixels).resize((224, 224)), np.float32) for x in (one, other)
    ]
    return float(np.abs(small[0] - small[1]).mean())


BORDERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "black square": lambda film: pad_to_square(film, BLACK),
    "white square": lambda film: pad_to_square(film, WHITE),
    "grey square": lambda film: pad_to_square(film, GREY),
    "black at one edge": lambda film: add_border(film, BLACK, 0, 0, 0.15, 0),
    "grey at two edges": lambda film: add_border(film, GREY, 0.07, 0.07, 0, 0),
    "white at four edges": lambda film: add_border(film, WHITE, 0.1, 0.1, 0.1, 0.1),
    "black in white": lambda film: add_border(
        add_border(film, BLACK, 0.06, 0.06, 0.06, 0.06), WHITE, 0.03, 0.03, 0.03, 0.03
    ),
    "letters": lambda film: write_text(
        add_border(film, BLACK, 0.12, 0.05, 0.12, 0.05), (8, 8), "DEPT 12.3 AP", WHITE
    ),
    "noise of a JPEG": lambda film: as_jpeg(add_border(film, WHITE, 0.1, 0.1, 0.1, 0.1), 85),
}


@pytest.mark.parametrize("name", BORDERS)
def test_border_changes_nothing(name: str, films: list[Path], predictor: Predictor) -> None:
    """Probability and preview are the same as without the border, and there is no warning."""
    for sample in films:
        plain = read_xray(sample.read_bytes())
        framed = read(BORDERS[name](plain.pixels))
        difference = predictor.predict(framed).probability - predictor.predict(plain).probability
        assert abs(difference) <= 0.05
        assert agree(plain, framed) < 4
        assert framed.warnings == plain.warnings


VIEWERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "panel at the left": show_in_viewer,
    "panel at the right": lambda film: show_in_viewer(film, at_right=True, panel=260),
    "thumbnails": lambda film: show_in_viewer(film, thumbnails=True),
    "white room": lambda film: show_in_viewer(film, back=240),
    "tool bar alone": lambda film: show_in_viewer(film, panel=0, fill=1.0),
    "large screen": lambda film: show_in_viewer(film, (1920, 1080), 80, 300, fill=0.8),
}


@pytest.mark.parametrize("name", VIEWERS)
def test_viewer_is_cut_away_and_named(name: str, films: list[Path]) -> None:
    """The film in a screenshot is analysed, and a warning asks to check what was cut off."""
    for sample in films:
        plain = read_xray(sample.read_bytes())
        shown = read(VIEWERS[name](plain.pixels))
        assert any("viewer's window" in warning for warning in shown.warnings)
        assert agree(plain, shown) < 16
        assert shown.pixels.shape[1] < 1.02 * shown.width * 0.95


def test_viewer_saved_as_jpeg_is_named(films: list[Path]) -> None:
    """JPEG noise makes a tool bar look like film, so it may stay in part; a warning says so."""
    for sample in films:
        shown = read(as_jpeg(show_in_viewer(read_xray(sample.read_bytes()).pixels), 85))
        assert any("viewer's window" in warning for warning in shown.warnings)


def test_two_films_in_a_viewer_are_doubted(films: list[Path]) -> None:
    """Of two films side by side neither is chosen; the warning names the cause."""
    picture = Image.fromarray(read_xray(films[0].read_bytes()).pixels)
    film = np.asarray(picture.resize((600, 600)))
    pair = np.hstack([film, np.zeros((600, 120), np.uint8), film])
    shown = read(show_in_viewer(pair, (1600, 800)))
    assert any("second picture" in warning for warning in shown.warnings)


def test_ordinary_films_stay_whole(samples: list[Path]) -> None:
    """An ordinary film is not cut: its dark edges do not count as a border."""
    for sample in samples:
        with Image.open(sample) as image:
            grey = np.asarray(image.convert("L"))
        film = find_film(grey)
        assert film.box == (0, grey.shape[0], 0, grey.shape[1])
        assert not film.viewer
        assert not film.doubt


def test_black_collimation_is_cut_but_no_lung(xray_data: Path) -> None:
    """A heavily collimated film loses only black: nothing brighter than noise is cut off."""
    path = xray_data / "older_children" / "images" / "00004274_000.jpg"
    grey = np.asarray(Image.open(path).convert("L"))
    film = find_film(grey)
    assert film.box.bottom - film.box.top < 0.7 * grey.shape[0]
    outside = grey.copy()
    film.box.cut(outside)[:] = 0
    assert (outside > 12).mean() < 0.005


def test_heat_map_lies_on_the_preview(samples: list[Path], predictor: Predictor) -> None:
    """Network and preview get the same rectangle, so a border does not move the heat map."""
    plain = read_xray(samples[-1].read_bytes())
    framed = read(add_border(plain.pixels, WHITE, 0.3, 0.05, 0.02, 0.2))
    assert framed.pixels.shape == plain.pixels.shape
    assert (framed.width, framed.height) != (plain.width, plain.height)
    maps = [np.array(predictor.predict(xray).heatmap) for xray in (plain, framed)]
    assert np.abs(maps[0] - maps[1]).max() < 0.1
