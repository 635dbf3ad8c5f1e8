"""Maker and model of a film's machine, and nothing that says which machine or which patient."""

from pathlib import Path

import numpy as np
import pytest

from model.cage.child import answer
from model.cage.exchange import unpack
from model.reading.dicom.device import read_device
from model.reading.limits import MAX_PIXELS
from tests.model.reading.dicom_objects import build, save

PIXELS = np.random.default_rng(0).integers(0, 255, (300, 300)).astype(np.uint8)
LIMIT = 1 << 26


@pytest.mark.parametrize(
    ("maker", "model", "found"),
    [
        ("SIEMENS", "Fluorospot Compact FD", "SIEMENS Fluorospot Compact FD"),
        ("Philips Medical Systems", "DigitalDiagnost 4.2", "Philips Medical Systems "),
        ("GE Healthcare", '"Definium 8000"', "GE Healthcare Definium 8000"),
        ("Agfa", "agfa DX-D 600", "agfa DX-D 600"),
        ("Canon Inc.", None, "Canon Inc."),
        (None, None, ""),
        ("  ", "\\", ""),
    ],
)
def test_names_of_products(maker: str | None, model: str | None, found: str) -> None:
    """As they are written, without repeating the maker."""
    given = {"Manufacturer": maker, "ManufacturerModelName": model}
    film = build(PIXELS, **{name: each for name, each in given.items() if each is not None})
    device = read_device(save(film), LIMIT)
    assert device.startswith(found) if found.endswith(" ") else device == found


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("DX 1 SN 4711042", "DX 1 SN"),
        ("DR 123 456", "DR"),
        ("19900201 Room", "Room"),
        ("DOE^JANE", ""),
        ("Größe\x1b[31m\n7", "Gr e 31m 7"),
        ("x" * 200, "x" * 32),
    ],
)
def test_what_may_name_a_patient_or_one_machine_is_left_out(model: str, found: str) -> None:
    """Numbers of something, names of people, and whatever no name of a product has."""
    assert read_device(save(build(PIXELS, ManufacturerModelName=model)), LIMIT) == found


def test_neither_station_nor_serial_number_leaves_the_cage() -> None:
    """Whatever else the file says of the machine, the record cannot have it."""
    film = build(
        PIXELS,
        Manufacturer="Fuji",
        StationName="SECRET-ROOM-3",
        DeviceSerialNumber="SECRET-99",
        InstitutionName="SECRET HOSPITAL",
        InstitutionalDepartmentName="SECRET WARD",
        OperatorsName="SECRET^ANN",
    )
    (_, body), *_ = answer(save(film), MAX_PIXELS, 224)
    assert b"SECRET" not in body
    assert unpack(body, 224).device == "Fuji"


def test_picture_names_no_machine(samples: list[Path]) -> None:
    """No JPEG or PNG does."""
    (_, body), *_ = answer(samples[0].read_bytes(), MAX_PIXELS, 224)
    assert unpack(body, 224).device == ""


def test_damaged_object_has_none() -> None:
    """A cut one, and one that inflates to more than is allowed."""
    film = save(build(PIXELS, Manufacturer="Fuji"))
    assert read_device(film[:200], LIMIT) == ""
