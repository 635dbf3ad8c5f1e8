"""The accession number of a DICOM, by a pass of its own, and the view."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from model.cage.child import answer
from model.cage.exchange import unpack
from model.cage.messages import ANSWER
from model.reading.dicom.accession import read_accession
from model.reading.limits import MAX_PIXELS, UnreadableXray
from model.reading.xray import encode_preview, read_xray
from tests.model.reading.dicom_objects import build, save, save_bare

PIXELS = np.tile(np.linspace(0, 4000, 300, dtype=np.uint16), (200, 1))
LIMIT = 1 << 24


@pytest.mark.parametrize(
    ("given", "found"),
    [("A-2026/17", "A-2026/17"), (" ab12 ", "ab12"), ("", ""), (None, ""), ("x" * 17, "")],
)
def test_number_is_read_as_it_stands(given: str | None, found: str) -> None:
    """Without padding, in its own case; what is longer than the standard allows is none."""
    assert read_accession(save(build(PIXELS, AccessionNumber=given)), LIMIT) == found


def test_every_way_of_writing_it_is_read() -> None:
    """Big endian, and without preamble and header."""
    film = build(PIXELS, AccessionNumber="N1")
    assert read_accession(save_bare(film, implicit=True), LIMIT) == "N1"
    assert read_accession(save(film, ExplicitVRBigEndian), LIMIT) == "N1"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00\x1b", b"a\nb ", b"\x00\x07zz"])
def test_what_cannot_be_shown_is_none(data: bytes) -> None:
    """Control characters would break a log or a page."""
    film = save(build(PIXELS, AccessionNumber="QQQQ"))
    assert read_accession(film.replace(b"QQQQ", data), LIMIT) in ("", "zz")
    assert read_accession(film[:200], LIMIT) == ""


def test_only_who_asks_gets_it() -> None:
    """It is in no other message, and a child that sends it unasked counts as crashed."""
    data = save(build(PIXELS, AccessionNumber="SECRET-7"))
    xray = read_xray(data)
    assert "SECRET" not in repr(xray)
    assert b"SECRET" not in encode_preview(xray)
    for asked in (False, True):
        (letter, body), *rest = answer(data, MAX_PIXELS, 224, accession=asked)
        assert letter == ANSWER
        assert unpack(body, 224, accession=asked).accession == ("SECRET-7" if asked else "")
        assert (b"SECRET" in body) is asked
        assert not any(b"SECRET" in each for _, each in rest)
    with pytest.raises(UnreadableXray, match="crashed"):
        unpack(body, 224)


def test_picture_has_none(samples: list[Path]) -> None:
    """Only a DICOM can have one."""
    (_, body), _ = answer(samples[0].read_bytes(), MAX_PIXELS, 224, accession=True)
    assert unpack(body, 224, accession=True).accession == ""


@pytest.mark.parametrize(
    ("position", "view"), [("PA", "PA"), ("ap", "AP"), ("", "unknown"), (None, "unknown")]
)
def test_view_is_said_where_it_is_known(position: str | None, view: str) -> None:
    """As it stands in View Position."""
    assert read_xray(save(build(PIXELS, ViewPosition=position))).view == view


def test_deflated_object_is_limited() -> None:
    """As for the picture itself: of one that inflates to more than the limit nothing is read."""
    noise = np.random.default_rng(0).integers(0, 4000, (400, 400)).astype(np.uint16)
    film = save(build(noise, AccessionNumber="N2"), DeflatedExplicitVRLittleEndian)
    assert read_accession(film, LIMIT) == "N2"
    assert read_accession(film, 1000) == ""
