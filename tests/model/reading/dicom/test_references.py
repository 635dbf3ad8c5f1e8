"""The UIDs of a DICOM's study, series and object, and where its film lies in the stored picture."""

from typing import Any

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from model.cage.child import answer
from model.cage.exchange import unpack
from model.reading.dicom.references import read_references
from model.reading.limits import MAX_PIXELS, UnreadableXray
from model.reading.shown import Shown
from model.reading.xray import read_xray
from tests.model.reading.dicom_objects import build, save, save_bare

PIXELS = np.tile(np.linspace(0, 4000, 300, dtype=np.uint16), (280, 1))
WHOLE = Shown(0, 0, 1, 1, 0, 4000)
LIMIT = 1 << 24
UIDS = {"StudyInstanceUID": "1.2.3.1", "SeriesInstanceUID": "1.2.3.2", "SOPInstanceUID": "1.2.3.3"}
DX = "1.2.840.10008.5.1.4.1.1.1.1"
NAMES = (*UIDS.values(), DX)


def find_corners(text: str) -> list[float]:
    """Of the film: column and row of top left, top right and bottom left."""
    return [float(each) for each in text.split("\\")[7:13]]


def test_every_way_of_writing_them_is_read() -> None:
    """Little and big endian, bare, deflated."""
    film = build(PIXELS, **UIDS)
    bare = save_bare(film, implicit=True)
    deflated = save(build(PIXELS, **UIDS), DeflatedExplicitVRLittleEndian)
    for data in (bare, save(film), save(film, ExplicitVRBigEndian), deflated):
        found = read_references(data, LIMIT, WHOLE).split("\\")
        assert found == [
            *NAMES,
            *["280", "300", "1", "0", "0", "300", "0", "0", "280", "0", "4000"],
        ]


@pytest.mark.parametrize("wrong", ["", "1.2.", "1.02.3", "1.2.3 <script>", "9" * 65])
def test_without_a_valid_one_there_are_none(wrong: str) -> None:
    """Half a reference leads nowhere."""
    film = save(build(PIXELS, **{**UIDS, "SeriesInstanceUID": wrong}))
    assert read_references(film, LIMIT, WHOLE) == ""
    assert read_references(film[:200], LIMIT, WHOLE) == ""


@pytest.mark.parametrize(
    ("orientation", "corners"),
    [
        ("L\\F", [30, 70, 270, 70, 30, 252]),
        ("R\\F", [270, 70, 30, 70, 270, 252]),
        ("L\\H", [30, 210, 270, 210, 30, 28]),
        ("F\\L", [75, 28, 75, 252, 270, 28]),
    ],
)
def test_corners_are_where_the_upright_film_lies_in_the_stored_picture(
    orientation: str, corners: list[float]
) -> None:
    """However the picture was turned: its upper left corner comes first."""
    data = save(build(PIXELS, **UIDS, PatientOrientation=orientation))
    shown = Shown(0.1, 0.25, 0.9, 0.9, 0, 4000)
    assert find_corners(read_references(data, LIMIT, shown)) == pytest.approx(corners)


def place(pixels: np.ndarray, **elements: Any) -> tuple[np.ndarray, list[float]]:
    """Of a film read as a whole: its pixels, and its corners in the stored picture."""
    data = save(build(pixels, **UIDS, **elements))
    xray = read_xray(data)
    assert xray.find_shown
    return xray.pixels, find_corners(read_references(data, LIMIT, xray.find_shown()))


@pytest.mark.parametrize("orientation", ["L\\F", "R\\F", "L\\H", "F\\L", "H\\R"])
def test_a_mark_is_found_in_the_stored_picture(orientation: str) -> None:
    """Through a cut border and every turn: a bright spot of the film is where the corners say."""
    noise = np.random.default_rng(1).integers(60, 160, (500, 640)).astype(np.uint8)
    noise[130:150, 460:480] = 255
    stored = np.full((600, 740), 255, np.uint8)
    stored[50:550, 50:690] = noise
    film, corners = place(stored, PatientOrientation=orientation)
    height, width = film.shape
    assert {height, width} == {500, 640}
    found = np.argwhere(film >= 250).mean(axis=0) + 0.5
    down, across = found / (height, width)
    origin, right, below = np.reshape(corners, (3, 2))
    spot = origin + across * (right - origin) + down * (below - origin)
    assert spot == pytest.approx([520, 190], abs=1)


def test_only_who_asks_gets_them() -> None:
    """They are in no other message, and a child that sends them unasked counts as crashed."""
    data = save(build(PIXELS, **UIDS))
    for asked in (False, True):
        (_, body), *rest = answer(data, MAX_PIXELS, 224, references=asked)
        found = unpack(body, 224, references=asked).references
        assert found.split("\\")[:4] == (list(NAMES) if asked else [""])
        assert (b"1.2.3.1" in body) is asked
        assert not any(b"1.2.3.1" in each for _, each in rest)
    with pytest.raises(UnreadableXray, match="crashed"):
        unpack(body, 224)
    with pytest.raises(UnreadableXray, match="crashed"):
        unpack(body.replace(b"1.2.3.1", b"<a b=c>"), 224, references=True)


@pytest.mark.parametrize(
    ("elements", "black", "white"),
    [
        ({"WindowCenter": "1000.5", "WindowWidth": "801"}, 600, 1400),
        ({"WindowCenter": "500", "WindowWidth": "801", "RescaleSlope": "0.5"}, 199, 1799),
        (
            {
                "WindowCenter": "2000.5",
                "WindowWidth": "2001",
                "PhotometricInterpretation": "MONOCHROME1",
            },
            3000,
            1000,
        ),
    ],
)
def test_ends_are_in_stored_values(elements: dict[str, str], black: float, white: float) -> None:
    """Whatever window, rescale and inversion led to the picture, in which every 13th value is."""
    xray = read_xray(save(build(PIXELS, **UIDS, **elements)))
    assert xray.find_shown
    shown = xray.find_shown()
    assert (shown.black, shown.white) == pytest.approx((black, white), abs=2 * 13)
