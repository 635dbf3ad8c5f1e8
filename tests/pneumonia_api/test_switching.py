"""`pneumonia_api.switching` and `model.artifact_store`: other models, forward and back."""

import itertools
import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, generate_latest

from model.artifact import METADATA_NAME, WEIGHTS_NAME, read_artifact, write_metadata
from model.artifact_store import ArtifactStore, ArtifactStoreError, main
from model.network import export_network
from model.predictor import Predictor
from model.xray import read_xray
from pneumonia_api import switching
from pneumonia_api.config import WorkerConfig, read_worker_config
from pneumonia_api.switching import ModelSwitch
from tests.s3 import running_s3
from tests.scrape import read_value
from tests.stack import ROOT, free_ports

SHIPPED = ROOT / "model" / "artifact"


@pytest.fixture(scope="module")
def serving() -> Path:
    """Exports of the shipped artifact; made where there is none yet."""
    folder = ROOT / "var" / "serving"
    export_network(SHIPPED, folder)
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, serving: Path) -> tuple[Path, Path]:
    """The same network at another threshold: another version; artifact and exports."""
    folder = tmp_path_factory.mktemp("other") / "artifact"
    shutil.copytree(SHIPPED, folder)
    shipped = read_artifact(SHIPPED)
    write_metadata(folder, replace(shipped, threshold=shipped.threshold / 2))
    exports = folder.parent / "serving"
    shutil.copytree(serving / shipped.version, exports / read_artifact(folder).version)
    return folder, exports


def configure(tmp_path: Path, url: str, serving: Path) -> WorkerConfig:
    """Of a worker with its own disk; the shipped artifact is what it has without the store."""
    own = tmp_path / "var" / "serving"
    version = read_artifact(SHIPPED).version
    shutil.copytree(serving / version, own / version)
    return read_worker_config(
        {
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "ARTIFACT_STORE": url,
            "MODEL_DIR": str(SHIPPED),
            "SERVING_DIR": str(own),
        }
    )


def wait_until(holds: Callable[[], bool]) -> None:
    """For half a minute at most."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def count_switches(outcome: str) -> float:
    """As the worker's `/metrics` tells it."""
    text = generate_latest(REGISTRY).decode()
    return read_value(text, "pneumonia_worker_model_switches_total", outcome=outcome)


class Worker:
    """Serves by a switch, as `pneumonia_api.tasks` does."""

    def __init__(self, switch: ModelSwitch) -> None:
        self.predictor: Predictor = switch.open_first()
        self.ended = threading.Event()
        arguments = (lambda: self.predictor, self._replace, self.ended)
        self.thread = threading.Thread(target=switch.follow, args=arguments)
        self.thread.start()

    def _replace(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def wait_for(self, version: str) -> None:
        """Until it serves `version`."""
        wait_until(lambda: self.predictor.artifact.version == version)

    def end(self) -> None:
        """Stop looking at the store."""
        self.ended.set()
        self.thread.join()


def test_worker_goes_forward_and_back_while_it_answers(
    tmp_path: Path,
    serving: Path,
    other: tuple[Path, Path],
    samples: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From S3; every question is answered, by the one model or by the other, and none is lost."""
    monkeypatch.setattr(switching, "POLL_SECONDS", 0.2)
    switched, failed = count_switches("switched"), count_switches("failed")
    with running_s3(free_ports()["PORT"]) as bucket:
        store = ArtifactStore(f"{bucket}/models")
        first = store.publish(SHIPPED, serving)
        worker = Worker(ModelSwitch(configure(tmp_path, f"{bucket}/models", serving)))
        answers: list[str] = []
        asking = threading.Event()
        image = read_xray(samples[0].read_bytes())

        def ask() -> None:
            while not asking.is_set():
                answers.append(worker.predictor.predict(image).model)

        clients = [threading.Thread(target=ask) for _ in range(2)]
        for client in clients:
            client.start()
        try:
            assert worker.predictor.artifact.version == first
            second = store.publish(*other)
            worker.wait_for(second)
            wait_until(lambda: answers[-1:] == [second])
            store.switch(first)
            worker.wait_for(first)
            wait_until(lambda: answers[-1:] == [first])
        finally:
            asking.set()
            for client in clients:
                client.join()
            worker.end()
        assert store.list_versions() == sorted([first, second])
    changes = sum(a != b for a, b in itertools.pairwise(answers))
    assert set(answers) == {first, second}
    assert changes >= 2
    assert count_switches("switched") == switched + 2
    assert count_switches("failed") == failed


def test_damaged_version_leaves_the_one_that_is_served(
    tmp_path: Path, serving: Path, other: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights of another file, a version that is not there, and a name that is none."""
    monkeypatch.setattr(switching, "POLL_SECONDS", 0.1)
    failed = count_switches("failed")
    first = ArtifactStore(f"file://{tmp_path}/models").publish(SHIPPED, serving)
    worker = Worker(ModelSwitch(configure(tmp_path, f"file://{tmp_path}/models", serving)))
    try:
        second = ArtifactStore(f"file://{tmp_path}/elsewhere").publish(*other)
        (tmp_path / "elsewhere" / second / WEIGHTS_NAME).write_bytes(b"other")
        (tmp_path / "elsewhere" / second).rename(tmp_path / "models" / second)
        for named in (second, "0123456789ab", "../../etc"):
            (tmp_path / "models" / "current").write_text(f"{named}\n")
            time.sleep(0.5)
            assert worker.predictor.artifact.version == first
        assert worker.thread.is_alive()
        assert count_switches("failed") == failed + 1  # what could not be fetched is tried again
    finally:
        worker.end()


def test_worker_starts_while_the_store_is_away(tmp_path: Path, serving: Path) -> None:
    """With what it had fetched before, else with the artifact of MODEL_DIR."""
    config = configure(tmp_path, f"file://{tmp_path}/models", serving)
    shipped = read_artifact(SHIPPED).version
    assert ModelSwitch(config).open_first().artifact.version == shipped
    (tmp_path / "models").write_text("in the way")
    assert ModelSwitch(config).open_first().artifact.version == shipped


def test_only_whole_versions_are_served(tmp_path: Path, serving: Path) -> None:
    """A version without metadata was not uploaded to its end."""
    store = ArtifactStore(f"file://{tmp_path}/models")
    assert store.read_current() is None
    version = store.publish(SHIPPED, serving)
    (tmp_path / "models" / version / METADATA_NAME).unlink()
    with pytest.raises(ArtifactStoreError, match="has no version"):
        store.switch(version)


def test_fetch_refuses_what_was_changed(tmp_path: Path, serving: Path) -> None:
    """Another threshold under the old name is another version, and nothing of it stays."""
    store = ArtifactStore(f"file://{tmp_path}/models")
    version = store.publish(SHIPPED, serving)
    file = tmp_path / "models" / version / METADATA_NAME
    values = json.loads(file.read_text())
    file.write_text(json.dumps({**values, "threshold": 0.9}))
    with pytest.raises(Exception, match=f"published as {version} is"):
        store.fetch(version, tmp_path / "artifacts", tmp_path / "serving")
    assert not list((tmp_path / "artifacts").iterdir())


def test_commands_publish_list_and_switch(
    tmp_path: Path, serving: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is served is marked; what is not there is told in one line."""
    store = ["--store", f"file://{tmp_path}/models"]
    assert main(["publish", *store, "--artifact", str(SHIPPED), "--serving", str(serving)]) == 0
    version = capsys.readouterr().out.strip()
    assert main(["list", *store]) == 0
    assert capsys.readouterr().out == f"{version} served\n"
    assert main(["switch", "000000000000", *store]) == 1
    assert "has no version 000000000000" in capsys.readouterr().err
