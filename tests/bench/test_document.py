"""The documents carry one run of the bench."""

from pathlib import Path

import pytest

from model.evaluation.marks import cut_out
from tests.bench.document import MEASUREMENTS, README, replace


def test_readme_and_measurements_show_the_same_run() -> None:
    """The short comparison is the same text in both."""
    assert cut_out(README.read_text(), "peers") == cut_out(MEASUREMENTS.read_text(), "peers")


def test_replacing_keeps_the_text_around(tmp_path: Path) -> None:
    """Only what is between the marks changes, however often."""
    file = tmp_path / "document.md"
    file.write_text("before\n<!-- peers -->\nold\n<!-- /peers -->\nafter\n")
    for body in ("first", "second"):
        replace(file, "peers", body)
    assert file.read_text() == "before\n<!-- peers -->\n\nsecond\n\n<!-- /peers -->\nafter\n"


@pytest.mark.parametrize("text", ["nothing", "<!-- peers -->\n", "<!-- peers -->\n" * 2])
def test_a_document_without_its_marks_is_an_error(text: str) -> None:
    """A run never goes to a place that nobody sees."""
    with pytest.raises(ValueError, match="marks of peers"):
        cut_out(text, "peers")
