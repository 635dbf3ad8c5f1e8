"""The documents carry one run of the bench."""

import json
from pathlib import Path

import pytest

from model.evaluation.marks import cut_out
from tests.bench.document import MEASUREMENTS, PEERS, README, replace, round_floats
from tests.bench.peers.comparison import format_summary


def test_readme_and_measurements_show_the_same_run() -> None:
    """The short comparison is the same text in both."""
    assert cut_out(README.read_text(), "peers") == cut_out(MEASUREMENTS.read_text(), "peers")


@pytest.mark.skipif(not PEERS.exists(), reason="no run of the bench has kept its times yet")
def test_comparison_is_that_of_the_times_that_are_kept() -> None:
    """The table in the README is what docs/measurements.json gives; an edited figure fails."""
    raw = json.loads(PEERS.read_text())
    written = cut_out(README.read_text(), "peers").strip()
    assert written == format_summary(raw["peers"], raw["machine"]).strip()


def test_times_are_kept_to_a_tenth_of_a_millisecond() -> None:
    """Everywhere in what was measured, and counts as they are."""
    measured = {"levels": [{"seconds": [0.123456], "sent": 3}], "name": "one"}
    assert round_floats(measured) == {
        "levels": [{"seconds": [0.1235], "sent": 3}],
        "name": "one",
    }


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
