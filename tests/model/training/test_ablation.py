"""`model.training.ablation`: which kept features it reads."""

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
def test_features_of_two_recipes_are_not_mixed(
    names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cache that two runs filled differently, or none, is refused in one sentence."""
    cache = tmp_path / "cache" / "machine-0"
    cache.mkdir(parents=True)
    for name in names:
        (cache / name).touch()
    assert main(["--data", str(tmp_path), "--run", str(tmp_path), "--out", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "cached features of exactly one run" in told and told.count("\n") == 1
