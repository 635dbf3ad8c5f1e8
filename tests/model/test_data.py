"""`model.data`: patients and splits."""

from pathlib import Path

import pytest
from PIL import Image

from model.data import (
    DataError,
    list_xrays,
    load_inputs,
    read_patient,
    split_by_patient,
)
from model.xray import squash


@pytest.mark.parametrize(
    ("name", "label", "patient"),
    [
        ("person1000_bacteria_2931.jpeg", 1, "bacteria-1000"),
        ("person1000_virus_1681.jpeg", 1, "virus-1000"),
        ("IM-0115-0001.jpeg", 0, "IM-0115"),
        ("NORMAL2-IM-1427-0001.jpeg", 0, "NORMAL2-IM-1427"),
        ("something-else.jpeg", 0, "something-else.jpeg"),
    ],
)
def test_patient_is_read_from_the_name(name: str, label: int, patient: str) -> None:
    """Numbers restart for each kind, so the kind is part of the patient's id."""
    assert read_patient(name, label) == patient


def test_folder_without_a_class_is_told_in_one_line(tmp_path: Path) -> None:
    """A wrong folder is an error that names it, not a training run on nothing."""
    with pytest.raises(DataError, match="No normal X-rays found in"):
        list_xrays(tmp_path)


def test_unreadable_files_are_left_out_and_listed(tmp_path: Path) -> None:
    """One broken file does not end a run, and is not silently missing."""
    for name in ("NORMAL", "PNEUMONIA"):
        (tmp_path / name).mkdir()
        Image.radial_gradient("L").save(tmp_path / name / "person1_virus_1.png")
    (tmp_path / "NORMAL" / "broken.jpeg").write_bytes(b"no image")
    images, kept, unreadable = load_inputs(list_xrays(tmp_path), squash)
    assert images.shape == (2, 224, 224, 1)
    assert len(kept) == 2
    assert [x.path.name for x in unreadable] == ["broken.jpeg"]


def test_no_patient_is_on_both_sides_of_the_split(xray_data: Path) -> None:
    """All images of one child are trained on, or validated on, never both."""
    xrays = list_xrays(xray_data / "kermany224" / "train")
    train, validation = split_by_patient(xrays, 0.15, seed=20)
    assert len(train) + len(validation) == len(xrays)
    assert not {x.patient for x in train} & {x.patient for x in validation}
    for label in (0, 1):
        share = sum(x.label == label for x in validation) / sum(x.label == label for x in xrays)
        assert 0.1 < share < 0.2
