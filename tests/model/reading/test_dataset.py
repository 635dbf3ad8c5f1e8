"""`model.reading.dataset`: patients and splits."""

import os
from pathlib import Path

import pytest
from PIL import Image

from model.reading.dataset import (
    KERMANY,
    DataError,
    LabelledXray,
    check_apart,
    check_contents,
    digest_xrays,
    list_strays,
    list_xrays,
    load_inputs,
    read_patient,
    split_by_patient,
)
from model.reading.xray import XrayImage, read_xray, squash
from tests.model.made_xrays import make_xrays


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
    """Bacteria and virus number their patients separately, so the kind is part of the id."""
    assert read_patient(name, label) == patient


def test_folder_without_a_class_is_told_in_one_line(tmp_path: Path) -> None:
    """A wrong folder is an error that names it, not a training run without data."""
    with pytest.raises(DataError, match="No normal X-rays found in"):
        list_xrays(tmp_path)


def test_unreadable_files_are_left_out_and_listed(tmp_path: Path) -> None:
    """A broken file does not end a run, and is reported."""
    for name in ("NORMAL", "PNEUMONIA"):
        (tmp_path / name).mkdir()
        Image.radial_gradient("L").save(tmp_path / name / "person1_virus_1.png")
    (tmp_path / "NORMAL" / "broken.jpeg").write_bytes(b"no image")
    images, kept, unreadable = load_inputs(list_xrays(tmp_path), squash)
    assert images.shape == (2, 224, 224, 1)
    assert len(kept) == 2
    assert [x.path.name for x in unreadable] == ["broken.jpeg"]


def test_no_patient_is_on_both_sides_of_the_split(xray_data: Path) -> None:
    """All images of a child are used for training or for validation, never for both."""
    xrays = list_xrays(xray_data / "kermany224" / "train")
    train, validation = split_by_patient(xrays, 0.15, seed=20)
    assert len(train) + len(validation) == len(xrays)
    assert not {x.patient for x in train} & {x.patient for x in validation}
    for label in (0, 1):
        share = sum(x.label == label for x in validation) / sum(x.label == label for x in xrays)
        assert 0.1 < share < 0.2


def lay_out(folder: Path, **files: bytes) -> dict[str, list[LabelledXray]]:
    """Files named `SPLIT_CLASS_NAME` in their folders -> the X-rays of each split."""
    for key, data in files.items():
        split, label, name = key.split("__")
        path = folder / split / label / f"{name}.jpeg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return {
        split: [
            LabelledXray(path, read_patient(path.name, label), label)
            for label, name in enumerate(("NORMAL", "PNEUMONIA"))
            for path in sorted((folder / split / name).glob("*"))
        ]
        for split in ("training", "validation", "test")
    }


@pytest.mark.parametrize("other", ["training", "validation", "test"])
def test_equal_bytes_under_two_labels_end_the_run(tmp_path: Path, other: str) -> None:
    """One of the two labels is wrong, wherever the files are, and it is not known which."""
    files = {"training__NORMAL__a": b"same", f"{other}__PNEUMONIA__b": b"same"}
    with pytest.raises(
        DataError, match=r"NORMAL/a\.jpeg and .*PNEUMONIA/b\.jpeg are the same file with two labels"
    ):
        check_contents(lay_out(tmp_path, **files))


@pytest.mark.parametrize(
    ("one", "other"),
    [("training", "test"), ("validation", "test"), ("training", "validation")],
)
def test_equal_bytes_on_two_sides_end_the_run(tmp_path: Path, one: str, other: str) -> None:
    """The same image under another patient's name would be learned and then tested."""
    files = {f"{one}__NORMAL__a": b"same", f"{other}__NORMAL__b": b"same"}
    with pytest.raises(DataError, match=f"in {one} and in {other}"):
        check_contents(lay_out(tmp_path, **files))


def test_equal_bytes_of_one_patient_are_fine_and_of_two_are_reported(tmp_path: Path) -> None:
    """Exact duplicates with one label on one side are accepted; the real set has some."""
    fine = {
        "training__PNEUMONIA__person1_virus_1": b"same",
        "training__PNEUMONIA__person1_virus_2": b"same",
    }
    assert check_contents(lay_out(tmp_path / "fine", **fine)) == []
    two = {
        "training__PNEUMONIA__person1_virus_1": b"same",
        "training__PNEUMONIA__person2_virus_2": b"same",
    }
    [(first, second)] = check_contents(lay_out(tmp_path / "two", **two))
    assert (first.patient, second.patient) == ("virus-1", "virus-2")


def test_decoder_that_fails_costs_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever reading a file raises, its type is reported and the others are read."""
    for name in ("NORMAL", "PNEUMONIA"):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.radial_gradient("L").save(tmp_path / name / f"person{number}_virus_1.png")
    bad = tmp_path / "NORMAL" / "person0_virus_1.png"
    bad.write_bytes(b"bad")

    def decode(data: bytes) -> XrayImage:
        if data == b"bad":
            raise IndexError
        return read_xray(data)

    monkeypatch.setattr("model.reading.dataset.read_xray", decode)
    images, kept, unreadable = load_inputs(list_xrays(tmp_path), squash)
    assert len(images) == len(kept) == 3
    assert [xray.path for xray in unreadable] == [bad]


def test_what_is_no_regular_file_is_found(tmp_path: Path) -> None:
    """A pipe does not hang a training run, and a broken link is reported."""
    for name in ("NORMAL", "PNEUMONIA"):
        (tmp_path / name).mkdir()
        Image.radial_gradient("L").save(tmp_path / name / "person1_virus_1.png")
    os.mkfifo(tmp_path / "NORMAL" / "pipe.png")
    (tmp_path / "NORMAL" / "nowhere.png").symlink_to(tmp_path / "gone")
    (tmp_path / "NORMAL" / "folder").mkdir()
    assert len(list_xrays(tmp_path)) == 2
    assert [path.name for path in list_strays(tmp_path)] == ["folder", "nowhere.png", "pipe.png"]


def test_split_of_a_source_does_not_depend_on_the_others() -> None:
    """And each is split: patients of every source and class are on both sides."""
    children = make_xrays("children", [0] * 20 + [1] * 20)
    adults = make_xrays("adults", [0] * 20 + [1] * 20)
    alone = split_by_patient(children, 0.25, seed=3)
    both = split_by_patient(children + adults, 0.25, seed=3)
    for one, all_of_both in zip(alone, both, strict=True):
        assert one == [xray for xray in all_of_both if xray.source == "children"]
        assert {(xray.source, xray.label) for xray in all_of_both} == {
            (source, label) for source in ("children", "adults") for label in (0, 1)
        }


def test_patient_with_a_healthy_and_an_ill_xray_is_on_one_side() -> None:
    """Pneumonia heals: the same chest is in both classes."""
    xrays = [
        LabelledXray(Path(f"{patient}-{label}.png"), str(patient), label, "adults")
        for patient in range(30)
        for label in (0, 1)
    ]
    train, validation = split_by_patient(xrays, 0.2, seed=5)
    assert not {xray.person for xray in train} & {xray.person for xray in validation}


def test_source_of_one_class_and_one_patient_is_trained_on() -> None:
    """A class needs two patients in some source, not in each."""
    xrays = make_xrays("children", [0, 0, 1, 1]) + make_xrays("adults", [1])
    train, _ = split_by_patient(xrays, 0.5, seed=1)
    assert ("adults", "0") in {xray.person for xray in train}
    with pytest.raises(DataError, match="No source has pneumonia X-rays of two patients"):
        split_by_patient(make_xrays("children", [0, 0, 1]), 0.5, seed=1)


def test_healed_patient_may_not_be_in_train_and_test() -> None:
    """Whatever the label is; only Kermany's numbers mean another child in the other class."""
    [ill], [well] = make_xrays("adults", [1]), make_xrays("adults", [0])
    with pytest.raises(DataError, match="in both train and test, such as 0"):
        check_apart([ill], [well])
    check_apart(make_xrays(KERMANY, [1]), make_xrays(KERMANY, [0]))


def test_digest_of_data_has_the_labels_of_a_csv_file(tmp_path: Path) -> None:
    """A killed run does not resume with another label for the same file."""
    path = tmp_path / "a.png"
    path.write_bytes(b"same")
    digests = {
        digest_xrays([LabelledXray(path, patient, label, source)])
        for patient, label, source in (("1", 0, "a"), ("1", 1, "a"), ("2", 0, "a"), ("1", 0, "b"))
    }
    assert len(digests) == 4
