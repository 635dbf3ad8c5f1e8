"""`model.training.job_config`: what the training job reads of its environment."""

from pathlib import Path

import pytest

from model.training.job_config import ConfigError, read_job_config


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All that the job needs, one setting in the environment and one in the file."""
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv("TRAINING_DATA", " s3://data ")
    monkeypatch.delenv("ARTIFACT_STORE", raising=False)
    (tmp_path / "env").write_text("ARTIFACT_STORE=s3://models\nAPI_KEY=k\n")


def test_file_has_what_the_environment_lacks(tmp_path: Path) -> None:
    """Blanks around a value mean nothing."""
    config = read_job_config()
    assert (config.training_data, config.artifact_store) == ("s3://data", "s3://models")
    assert config.metrics_dir == tmp_path / "metrics"


@pytest.mark.parametrize("name", ["TRAINING_DATA", "ARTIFACT_STORE"])
def test_missing_setting_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blank one counts as missing."""
    monkeypatch.setenv(name, " ")
    with pytest.raises(ConfigError, match=f"^{name} is not set"):
        read_job_config()
