"""`model.training.ablation`: which cached features it accepts."""

from pathlib import Path

import pytest

from model.training.ablation import main


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["train-a-0.npy"],
        ["train-a-0.npy", "train-b-0.npy", "validation-a.npy"],
        ["train-a-0.npy", "validation-a.npy", "validation-b.npy"],
    ],
)
def test_features_of_two_runs_are_not_mixed(
    names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cache of two different runs, or an empty one, is refused in one sentence."""
    cache = tmp_path / "cache" / "machine-0"
    cache.mkdir(parents=True)
    for name in names:
        (cache / name).touch()
    assert main(["--data", str(tmp_path), "--run", str(tmp_path), "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "cached features of exactly one run" in error and error.count("\n") == 1
