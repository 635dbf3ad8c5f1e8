"""`pneumonia_api.config`: each process reads the settings that are its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pneumonia_api.config import (
    ConfigError,
    read_batch_config,
    read_config,
    read_job_config,
    read_worker_config,
)

REDIS = {"REDIS_URL": "redis://127.0.0.1:1/0"}
NEEDED: list[tuple[Callable[..., Any], dict[str, str]]] = [
    (read_config, {**REDIS, "API_KEY": "k"}),
    (read_worker_config, REDIS),
    (read_batch_config, REDIS),
    (read_job_config, {**REDIS, "TRAINING_DATA": "s3://data", "ARTIFACT_STORE": "s3://models"}),
]
OTHERS = {
    read_config: {"WORKER_METRICS_PORT"},
    read_worker_config: {"API_KEY", "SESSION_HOURS", "MAX_QUEUED", "API_PORT", "MAX_BODY_MB"},
    read_batch_config: {"API_KEY", "SESSION_HOURS", "API_PORT", "WORKER_METRICS_PORT"},
    read_job_config: {"API_KEY", "SESSION_HOURS", "API_PORT", "WORKER_METRICS_PORT"},
}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting comes from the machine that runs the tests."""
    for name in {name for _, needed in NEEDED for name in needed}.union(*OTHERS.values()):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))


@pytest.mark.parametrize(("read", "needed"), NEEDED)
def test_process_needs_its_own_settings_and_no_other(
    read: Callable[..., Any], needed: dict[str, str]
) -> None:
    """Each one that it needs is named when it is missing; nonsense in others' changes nothing."""
    config = read(needed | dict.fromkeys(OTHERS[read], "nonsense"))
    for name in needed:
        with pytest.raises(ConfigError, match=name):
            read({**needed, name: ""})
    if read is not read_config:
        assert "nonsense" not in repr(config)
        assert not hasattr(config, "api_key")


def test_training_job_reads_no_key_from_the_settings_of_the_api(tmp_path: Path) -> None:
    """Where all settings lie in one file, what is not its own stays there."""
    (tmp_path / "env").write_text("API_KEY=secret\nSECRET_KEY=secret\n")
    job = dict(NEEDED[3][1])
    assert "secret" not in repr(read_job_config(job)) + repr(read_batch_config(REDIS))
