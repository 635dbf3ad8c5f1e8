"""`model.evaluation.uncertain`: ages and band are added to an artifact that has neither."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from model.evaluation.uncertain import main
from model.serving.artifact import read_artifact
from tests.variant import Variant, make_variant


@pytest.fixture
def earlier(tmp_path: Path) -> Variant:
    """The shipped model as an earlier release recorded it."""
    return make_variant(tmp_path, lambda shipped: replace(shipped, ages=None, uncertain=None))


def run(model: Variant, data: Path) -> int:
    """The command, as a person types it."""
    return main(
        [
            *("--artifact", str(model.artifact), "--serving", str(model.serving)),
            *("--data", str(data), "--ages", "1-5"),
        ]
    )


def test_band_and_ages_are_added(
    earlier: Variant, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else changes but the version; here, of a few X-rays."""
    for number, sample in enumerate(samples):
        ill = number >= len(samples) / 2
        folder = tmp_path / "data" / "train" / ("PNEUMONIA" if ill else "NORMAL")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample, folder / (f"person{number}_virus_1" if ill else f"IM-{number:04d}"))
    before = read_artifact(earlier.artifact)
    assert run(earlier, tmp_path / "data") == 0
    after = read_artifact(earlier.artifact)
    assert after.ages
    assert after.uncertain
    assert replace(after, ages=None, uncertain=None) == before
    assert after.version in capsys.readouterr().out
    assert after.version != before.version


def test_data_that_is_missing_changes_nothing(
    earlier: Variant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named in one sentence."""
    assert run(earlier, tmp_path / "none") == 1
    assert "none" in capsys.readouterr().err
    assert read_artifact(earlier.artifact).version == earlier.version
