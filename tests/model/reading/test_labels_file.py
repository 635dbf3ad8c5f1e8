"""`model.reading.labels_file`: labelled X-rays of any source, from a CSV file."""

import hashlib
from pathlib import Path

import pytest

from model.reading.ages import AgeBand
from model.reading.dataset import DataError, LabelledXray
from model.reading.labels_file import read_labels_file


def write(folder: Path, *lines: str) -> Path:
    """A CSV file of these lines, called hospital.csv."""
    path = folder / "hospital.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_are_xrays_of_their_split(tmp_path: Path) -> None:
    """Paths are relative to the file; source and split have defaults; other columns are ignored."""
    found = read_labels_file(
        write(
            tmp_path,
            "file,label,patient,age,split,device",
            "a.png,normal,7,54,,Fuji",
            "deep/b.png,pneumonia,8,18-65,test,",
        )
    )
    assert found.train == [LabelledXray(tmp_path / "a.png", "7", 0, "hospital", AgeBand(54, 54))]
    assert found.test == [
        LabelledXray(tmp_path / "deep" / "b.png", "8", 1, "hospital", AgeBand(18, 65))
    ]


def test_source_of_a_row_wins_over_the_name_of_the_file(tmp_path: Path) -> None:
    """And an unknown age is None."""
    path = write(tmp_path, "source,patient,label,file,age", "Hannover,7,pneumonia,a.png,")
    assert read_labels_file(path).train == [
        LabelledXray(tmp_path / "a.png", "7", 1, "Hannover", None)
    ]


def test_other_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    """Neither normal nor pneumonia: the network has no class for them."""
    path = write(
        tmp_path, "file,label,patient", "a,tuberculosis,1", "b,tuberculosis,2", "c,normal,3"
    )
    found = read_labels_file(path)
    assert [xray.patient for xray in found.train] == ["3"]
    assert found.left_out == {"tuberculosis": 2}


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["file,label", "a,normal"], r"hospital\.csv has no column named patient"),
        (["path,class,patient"], "no column named file or label"),
        (["file,label,patient", "a,normal,"], r"Line 2 of .* has no patient"),
        (["file,label,patient", "a"], "has no label and no patient"),
        (["file,label,patient,split", "a,normal,1,check"], "Line 2 .* the split check"),
        (["file,label,patient,age", "a,normal,1,old"], "the age old, which is neither"),
        (["file,label,patient,age", "a,normal,1,300"], "the age 300"),
        (["file,label,patient", '"a,normal,1'], "cannot be read as a CSV file"),
    ],
)
def test_wrong_file_is_reported_in_one_sentence(
    tmp_path: Path, lines: list[str], sentence: str
) -> None:
    """With the line, so that it can be found among thousands."""
    with pytest.raises(DataError, match=sentence) as raised:
        read_labels_file(write(tmp_path, *lines))
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)


def test_binary_and_missing_files_are_reported(tmp_path: Path) -> None:
    """Somebody named the picture instead of the list, or mistyped."""
    (tmp_path / "hospital.csv").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    for path in (tmp_path / "hospital.csv", tmp_path / "none.csv"):
        with pytest.raises(DataError, match="cannot be read as a CSV file"):
            read_labels_file(path)


def test_export_of_the_service_names_files_by_their_digest(tmp_path: Path) -> None:
    """Wherever they lie below its folder; one that is not there is left out and counted."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "any name.dcm").write_bytes(b"one")
    digest = hashlib.sha256(b"one").hexdigest()
    found = read_labels_file(
        write(
            tmp_path,
            "digest,label,basis,patient,scope",
            f"{digest},pneumonia,outcome,p1,within",
            f"{hashlib.sha256(b'two').hexdigest()},normal,reading,p2,unknown",
            f"{digest},unknown,,p3,",
        )
    )
    file = tmp_path / "deep" / "any name.dcm"
    assert found.train == [LabelledXray(file, "p1", 1, "hospital", None)]
    assert found.left_out == {"whose file is not there": 1, "unknown": 1}


def test_digest_must_be_there_where_there_is_no_file(tmp_path: Path) -> None:
    """In each row, as the file would have to be."""
    with pytest.raises(DataError, match=r"Line 2 of .* has no digest"):
        read_labels_file(write(tmp_path, "digest,label,patient", ",normal,1"))
