"""`pneumonia_api.batch.tally`: labels from folder names."""

from pathlib import Path

from pneumonia_api.batch.tally import read_label


def test_label_is_that_of_the_innermost_folder() -> None:
    """Different folders have different patients; a file outside class folders has no label."""
    label, patient = read_label(Path("test/PNEUMONIA/person1_virus_6.jpeg")) or (None, None)
    assert (label, patient) == (1, "test/PNEUMONIA/virus-1")
    assert read_label(Path("x/normal/IM-0001-0001.jpeg")) == (0, "x/normal/IM-0001")
    assert read_label(Path("other/person1_virus_6.jpeg")) is None
