"""The search for marks itself: it finds them in every encoding, and nothing else."""

import pytest

from tests.privacy.marked import Marked, find_marks

MARKED = Marked(b"", {"Zq00007qZ": "PatientName", "919100012": "StudyInstanceUID"}, "")


@pytest.mark.parametrize("code", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DOE Zq00007qZ^Jane", ["PatientName"]),
        ("1.2.826.919100012.3", ["StudyInstanceUID"]),
        ("91919100012 Zq00007qZ", ["PatientName", "StudyInstanceUID"]),
        ("Zq00008qZ 919100013 Zq0007qZ", []),
    ],
)
def test_marks_are_found_in_every_encoding(code: str, text: str, found: list[str]) -> None:
    """Also where other digits stand before them, and at an odd byte."""
    for before in (b"", b"\xff"):
        assert find_marks(before + text.encode(code), MARKED) == found


def test_dates_are_found() -> None:
    """As DICOM and as people write them."""
    assert find_marks(b"born 1807-04-23", MARKED) == ["1807-04-23"]
