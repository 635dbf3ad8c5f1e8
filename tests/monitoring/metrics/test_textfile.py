"""`monitoring.metrics.textfile`: the file of a batch job."""

import stat
from pathlib import Path

import pytest

from monitoring.metrics.gauges import GaugeKind
from monitoring.metrics.textfile import GaugeFile
from tests.scrape import read_families, read_value

KINDS = (GaugeKind("pneumonia_a", "A."), GaugeKind("pneumonia_b", "B.", ("split", "part")))


def test_what_nobody_knows_is_absent(tmp_path: Path) -> None:
    """A gauge without a value would report 0, which is a value."""
    gauges = GaugeFile(tmp_path / "new" / "job.prom", KINDS)
    gauges.set("pneumonia_a", 2)
    gauges.write()
    file = tmp_path / "new" / "job.prom"
    assert [family.name for family in read_families(file.read_text())] == ["pneumonia_a"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(file.parent.iterdir()) == [file]


def test_next_run_begins_with_what_the_file_has(tmp_path: Path) -> None:
    """Also with labels, in their order; a gauge that the job no longer has is dropped."""
    file = tmp_path / "job.prom"
    first = GaugeFile(file, (*KINDS, GaugeKind("pneumonia_old", "Old.")))
    first.set("pneumonia_a", 1.5)
    first.set("pneumonia_b", 3, "test", "x")
    first.set("pneumonia_old", 1)
    first.write()
    second = GaugeFile(file, KINDS)
    second.set("pneumonia_a", 2)
    second.write()
    text = file.read_text()
    assert read_value(text, "pneumonia_a") == 2
    assert read_value(text, "pneumonia_b", split="test", part="x") == 3
    assert "old" not in text


def test_folder_that_cannot_be_written_ends_no_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The failure is reported in one line."""
    (tmp_path / "metrics").write_text("in the way")
    gauges = GaugeFile(tmp_path / "metrics" / "job.prom", KINDS)
    gauges.set("pneumonia_a", 1)
    gauges.write()
    assert "job.prom was not written: " in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"pneumonia_a 1\npneumonia_b{split=", b"\xff\xfe"])
def test_damaged_file_ends_no_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """The failure is reported in one line, and the next write replaces the file."""
    file = tmp_path / "job.prom"
    file.write_bytes(content)
    gauges = GaugeFile(file, KINDS)
    assert f"{file} cannot be read and is replaced" in capsys.readouterr().err
    gauges.set("pneumonia_a", 2)
    gauges.write()
    assert [family.name for family in read_families(file.read_text())] == ["pneumonia_a"]
