"""`model.training.job`: a small run with stores on this machine's disk and its own Redis."""

from pathlib import Path

import pytest

from model.serving.artifact_store import ArtifactStore
from model.training.job import main, without_secrets
from tests.model.conftest import SIDE
from tests.pneumonia_api.batch.server import Server, read_records
from tests.scrape import read_value


@pytest.fixture
def settings(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the environment of the job; return the folder of its artifact store."""
    monkeypatch.setenv("ARTIFACT_STORE", f"file://{tmp_path}/models")
    monkeypatch.setenv("IMAGE_STORE", f"file://{tmp_path}/images")
    monkeypatch.setenv("REDIS_URL", server.url)
    monkeypatch.delenv("API_KEY", raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    return tmp_path / "models"


def test_job_trains_publishes_and_scores(
    made_data: Path,
    made_weights: Path,
    settings: Path,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The artifact is a candidate, its results are records, and the log is uploaded."""
    monkeypatch.setenv("TRAINING_DATA", made_data.as_uri())
    options = ["--weights", str(made_weights), "--side", str(SIDE), "--epochs", "1"]
    options += ["--head-epochs", "1", "--batch", "2", "--dense", "8", "--validation-share", "0.25"]
    assert main(["--work", str(tmp_path / "work"), *options]) == 0
    store = ArtifactStore(settings.as_uri())
    assert list(store.list_models().values()) == ["candidate"]
    assert store.read_current() is None
    records = read_records(server).values()
    assert len(records) == 4
    assert {record["source"] for record in records} == {"batch"}
    metrics = {path.name: path.read_text() for path in (tmp_path / "metrics").iterdir()}
    assert metrics.keys() == {"training.prom", "batch.prom"}
    assert read_value(metrics["training.prom"], "pneumonia_training_epochs") == 1
    assert read_value(metrics["batch.prom"], "pneumonia_batch_total_files") == 4
    [log] = (settings / "logs").iterdir()
    assert "6 training, 2 validation and 4 test X-rays." in log.read_text()


def test_job_without_data_is_reported_in_one_line(
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Exit status 1 and one sentence, also in the log; nothing is published."""
    monkeypatch.setenv("TRAINING_DATA", (tmp_path / "nothing").as_uri())
    assert main(["--work", str(tmp_path / "work")]) == 1
    error = capfd.readouterr().err.strip()
    assert error.startswith("There is no data at") and "\n" not in error
    [log] = (settings / "logs").iterdir()
    assert log.read_text().strip() == error
    assert ArtifactStore(settings.as_uri()).list_models() == {}


def test_failed_training_publishes_nothing(
    made_data: Path,
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With missing weights, the log has the message of the failed command."""
    monkeypatch.setenv("TRAINING_DATA", made_data.as_uri())
    assert main(["--work", str(tmp_path / "work"), "--weights", "none.npz", "--side", "64"]) == 1
    assert "model.cnn failed with 2" in capfd.readouterr().err
    [log] = (settings / "logs").iterdir()
    assert "none.npz cannot be used" in log.read_text()
    assert ArtifactStore(settings.as_uri()).list_models() == {}


@pytest.mark.parametrize(
    ("changed", "options", "sentence"),
    [
        ({"TRAINING_DATA": ""}, [], "TRAINING_DATA is not set"),
        ({"ARTIFACT_STORE": ""}, [], "ARTIFACT_STORE is not set"),
        ({"REDIS_URL": ""}, [], "REDIS_URL is not set"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, [], "Redis refuses or does not answer"),
        ({"ARTIFACT_STORE": "file:///proc/models"}, [], "/proc/models cannot be written to"),
        ({"IMAGE_STORE": "file:///proc/images"}, [], "The image store cannot be written to"),
        ({"MAX_MEGAPIXELS": "many"}, [], "MAX_MEGAPIXELS must be a whole number"),
        ({}, ["--epochs", "none"], "--epochs"),
        ({}, ["--epoch-count", "3"], "--epoch-count"),
        ({}, ["--out", "elsewhere"], "--out is chosen by this job"),
    ],
)
def test_job_with_wrong_inputs_does_not_start(
    changed: dict[str, str],
    options: list[str],
    sentence: str,
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit status 2 and one sentence before anything is fetched, not after hours of training."""
    monkeypatch.setenv("TRAINING_DATA", (tmp_path / "nothing").as_uri())
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    try:
        code: object = main(["--work", str(tmp_path / "work"), *options])
    except SystemExit as ended:  # argparse's way
        code = ended.code
    assert code == 2
    error = capsys.readouterr().err
    assert sentence in error.splitlines()[-1]
    assert "There is no data" not in error and not (tmp_path / "work" / "data").exists()


def test_training_gets_no_secret_that_it_does_not_need() -> None:
    """Training and export get neither the Redis URL, which has the password, nor a key."""
    environment = {"REDIS_URL": "redis://:secret@h", "API_KEY": "secret", "PATH": "/bin"}
    assert without_secrets(environment) == {"PATH": "/bin"}
