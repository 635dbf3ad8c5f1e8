"""The file of what findings are worth."""

import json
from pathlib import Path

import pytest

from model.serving.finding import FINDINGS
from model.serving.ratios import RATIOS_NAME, FindingRatios, RatiosError, read_ratios, write_ratios
from pneumonia_api.worker.tasks import describe_ratios

RATIOS = FindingRatios("abc", 10, 5, {name: [2.0, 1.0, 3.0] for name in FINDINGS})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """For the version that it was measured with, and no other."""
    assert read_ratios(tmp_path, "abc") is None
    write_ratios(RATIOS, tmp_path)
    assert read_ratios(tmp_path, "abc") == RATIOS
    assert read_ratios(tmp_path, "other") is None


@pytest.mark.parametrize(
    "change",
    [
        {"ratios": {}},
        {"ratios": {key: [2.0, 3.0, 1.0] for key in FINDINGS}},
        {"ratios": {key: [2.0, 1.0] for key in FINDINGS}},
        {"ratios": {key: ["much", 1.0, 3.0] for key in FINDINGS}},
        {"ratios": {key: [0.0, 0.0, 1.0] for key in FINDINGS}},
        {"ratios": None},
    ],
)
def test_damaged_file_costs_a_sentence_and_no_worker(
    tmp_path: Path, change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """It raises for who reads it; the worker announces its model without."""
    (tmp_path / RATIOS_NAME).write_text(json.dumps({**vars(RATIOS), **change}))
    with pytest.raises(RatiosError):
        read_ratios(tmp_path, "abc")
    for _ in range(3):  # once for each heartbeat
        assert describe_ratios(tmp_path, "abc") == {}
    assert caplog.text.count("cannot say") == 1


def test_truncated_file_is_damaged(tmp_path: Path) -> None:
    """As after a full disk."""
    (tmp_path / RATIOS_NAME).write_text('{"version": "abc"')
    with pytest.raises(RatiosError):
        read_ratios(tmp_path, "abc")
