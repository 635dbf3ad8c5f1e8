"""`worker.switching`: a running worker goes over to another model and back."""

import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, generate_latest

from model.reading.xray import read_xray
from model.serving.artifact import WEIGHTS_NAME, read_artifact
from model.serving.artifact_store import ArtifactStore, ArtifactStoreError
from model.serving.export import GRAPH_NAME, write_export_manifest
from model.serving.predictor import Predictor
from pneumonia_api.config import WorkerConfig, read_worker_config
from pneumonia_api.worker import switching
from pneumonia_api.worker.switching import ModelSwitch
from tests.s3 import running_s3
from tests.scrape import read_value
from tests.stack import free_ports
from tests.variant import SHIPPED, Variant, link, make_variant, move_threshold, own

VERSION = read_artifact(SHIPPED).version


def configure(tmp_path: Path, url: str, serving: Path) -> WorkerConfig:
    """Of a worker with its own disk; the shipped artifact is what it has without the store."""
    own_exports = tmp_path / "var" / "serving"
    shutil.copytree(serving / VERSION, own_exports / VERSION, copy_function=link)
    return read_worker_config(
        {
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "ARTIFACT_STORE": url,
            "MODEL_DIR": str(SHIPPED),
            "SERVING_DIR": str(own_exports),
        }
    )


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for two minutes at most."""
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def count_switches(outcome: str) -> float:
    """As the worker's `/metrics` shows it."""
    text = generate_latest(REGISTRY).decode()
    return read_value(text, "pneumonia_worker_model_switches_total", outcome=outcome)


class Worker:
    """Serves by a switch, as `pneumonia_api.worker.tasks` does."""

    def __init__(self, switch: ModelSwitch) -> None:
        self.predictor: Predictor = switch.open_first()
        self.ended = threading.Event()
        arguments = (lambda: self.predictor, self._replace, self.ended)
        self.thread = threading.Thread(target=switch.follow, args=arguments)
        self.thread.start()

    def _replace(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def wait_for(self, version: str) -> None:
        """Wait until it serves `version`."""
        wait_until(lambda: self.predictor.artifact.version == version)

    def end(self) -> None:
        """Stop polling the store."""
        self.ended.set()
        self.thread.join()


def test_worker_goes_forward_and_back_while_it_answers(
    tmp_path: Path,
    serving: Path,
    other: Variant,
    samples: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From S3; one model or the other answers every request, and none is lost.

    A candidate answers nothing until it is promoted.
    """
    monkeypatch.setattr(switching, "POLL_SECONDS", 0.2)
    switched, failed = count_switches("switched"), count_switches("failed")
    with running_s3(free_ports()["PORT"]) as bucket:
        store = ArtifactStore(f"{bucket}/models")
        assert store.publish(SHIPPED, serving) == VERSION
        assert store.promote(VERSION) == []
        worker = Worker(ModelSwitch(configure(tmp_path, f"{bucket}/models", serving)))
        answers: list[str] = []
        asking = threading.Event()
        image = read_xray(samples[0].read_bytes())

        def ask() -> None:
            while not asking.wait(0.05):
                answers.append(worker.predictor.predict(image).model)

        clients = [threading.Thread(target=ask) for _ in range(2)]
        for client in clients:
            client.start()
        try:
            assert worker.predictor.artifact.version == VERSION
            second = store.publish(other.artifact, other.serving)
            assert store.promote(second) == []  # takes seconds, while the worker polls
            assert VERSION in answers
            worker.wait_for(second)
            wait_until(lambda: answers[-1:] == [second])
            store.switch(VERSION)
            worker.wait_for(VERSION)
            wait_until(lambda: answers[-1:] == [VERSION])
        finally:
            asking.set()
            for client in clients:
                client.join()
            worker.end()
        assert store.list_models() == {VERSION: "served", second: "approved"}
    changes = sum(a != b for a, b in itertools.pairwise(answers))
    assert set(answers) == {VERSION, second}
    assert changes >= 2
    assert count_switches("switched") == switched + 2
    assert count_switches("failed") == failed
    published = generate_latest(REGISTRY).decode()
    assert read_value(published, "pneumonia_worker_published_models", state="approved") == 1


def test_candidate_is_served_to_nobody(tmp_path: Path, store: ArtifactStore, serving: Path) -> None:
    """Publishing changes nothing; neither `switch` nor a name in `current` avoids the gate."""
    made = make_variant(tmp_path / "made", lambda shipped: move_threshold(shipped, 0.35))
    store.publish(made.artifact, made.serving)
    assert store.list_models()[made.version] == "candidate"
    assert store.read_current() == VERSION
    with pytest.raises(ArtifactStoreError, match="is a candidate"):
        store.switch(made.version)
    (tmp_path / "models" / "current").write_text(f"{made.version}\n")
    config = configure(tmp_path, f"file://{tmp_path}/models", serving)
    assert ModelSwitch(config).open_first().artifact.version == VERSION


def test_unusable_version_leaves_the_one_that_is_served(
    tmp_path: Path,
    store: ArtifactStore,
    serving: Path,
    other: Variant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wrong weights, a missing version, an approved graph that OpenVINO cannot parse, an invalid
    name; then a good version again."""
    monkeypatch.setattr(switching, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(switching, "MAX_PAUSE_SECONDS", 0.2)
    models = tmp_path / "models"
    bad = make_variant(tmp_path / "bad", lambda shipped: move_threshold(shipped, 0.31))
    graph = own(bad.export / GRAPH_NAME)
    graph.write_text(graph.read_text().replace("<layer", "<lyer", 40))
    write_export_manifest(bad.export, bad.version)
    store.publish(bad.artifact, bad.serving)
    [fault] = store.promote(bad.version)
    assert "cannot be opened by OpenVINO" in fault
    assert store.list_models()[bad.version] == "refused"
    (models / "refused" / f"{bad.version}.json").rename(models / "approved" / f"{bad.version}.json")
    own(models / other.version / WEIGHTS_NAME).write_bytes(b"other")

    worker = Worker(ModelSwitch(configure(tmp_path, models.as_uri(), serving)))
    try:
        for named in (other.version, "0123456789ab", bad.version):
            failed = count_switches("failed")
            (models / "current").write_text(f"{named}\n")
            wait_until(lambda failed=failed: count_switches("failed") > failed)  # type: ignore[misc]
            assert worker.predictor.artifact.version == VERSION
        unreachable = count_switches("unreachable")
        (models / "current").write_text("../../etc\n")
        wait_until(lambda: count_switches("unreachable") > unreachable)
        store.publish(other.artifact, other.serving)  # repairs the damage with the same files
        store.switch(other.version)
        worker.wait_for(other.version)
    finally:
        worker.end()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_follower_survives_unforeseen_errors(
    tmp_path: Path,
    store: ArtifactStore,
    serving: Path,
    other: Variant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error ends one poll and is counted; the next poll succeeds."""
    monkeypatch.setattr(switching, "POLL_SECONDS", 0.1)
    switch = ModelSwitch(configure(tmp_path, f"file://{tmp_path}/models", serving))
    served, failed = [switch.open_first()], count_switches("failed")
    store.switch(other.version)
    tries = itertools.count()

    def replace_predictor(predictor: Predictor) -> None:
        if next(tries) == 0:
            raise LookupError("unforeseen")
        served.append(predictor)

    ended = threading.Event()
    arguments = (lambda: served[-1], replace_predictor, ended)
    follower = threading.Thread(target=switch.follow, args=arguments)
    follower.start()
    try:
        wait_until(lambda: served[-1].artifact.version == other.version)
    finally:
        ended.set()
        follower.join()
    assert count_switches("failed") == failed + 1


def test_worker_starts_while_the_store_is_away(
    tmp_path: Path, store: ArtifactStore, serving: Path, other: Variant
) -> None:
    """It serves the last complete model on disk, or the artifact of MODEL_DIR."""
    config = configure(tmp_path, f"file://{tmp_path}/models", serving)
    (tmp_path / "models").rename(tmp_path / "away")
    (tmp_path / "models").write_text("in the way")
    assert ModelSwitch(config).open_first().artifact.version == VERSION
    (tmp_path / "models").unlink()
    (tmp_path / "away").rename(tmp_path / "models")
    store.switch(other.version)
    ModelSwitch(config).open_first()
    (tmp_path / "models").rename(tmp_path / "away")
    (tmp_path / "models").write_text("in the way")
    assert ModelSwitch(config).open_first().artifact.version == other.version
    os.truncate(own(config.serving_dir / other.version / "model.bin"), 1_000_000)
    assert ModelSwitch(config).open_first().artifact.version == VERSION
