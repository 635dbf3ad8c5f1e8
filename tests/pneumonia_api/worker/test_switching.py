"""`worker.switching` and `serving.artifact_store`: switching to another model and back."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, generate_latest

from model.reading.xray import read_xray
from model.serving.artifact import METADATA_NAME, WEIGHTS_NAME, ArtifactError, read_artifact
from model.serving.artifact_store import REFUSED, ArtifactStore, ArtifactStoreError, main
from model.serving.durable import remove_leftovers
from model.serving.export import GRAPH_NAME, is_whole, write_export_manifest
from model.serving.manifest import MANIFEST_NAME
from model.serving.predictor import Predictor
from pneumonia_api.config import WorkerConfig, read_worker_config
from pneumonia_api.worker import switching
from pneumonia_api.worker.switching import ModelSwitch
from tests.s3 import running_s3
from tests.scrape import read_value
from tests.stack import ROOT, free_ports
from tests.variant import SHIPPED, Variant, link, make_variant, move_threshold, own

VERSION = read_artifact(SHIPPED).version


@pytest.fixture(scope="module")
def serving(whole_export: Path) -> Path:
    """Exports of the shipped artifact."""
    return whole_export.parent


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, serving: Path) -> Variant:
    """The same network at another threshold: another version."""
    del serving
    return make_variant(
        tmp_path_factory.mktemp("other"), lambda shipped: move_threshold(shipped, 0.3)
    )


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory, serving: Path, other: Variant) -> Path:
    """A store on this disk: the other model went through the gate, then the shipped one."""
    folder = tmp_path_factory.mktemp("promoted") / "models"
    store = ArtifactStore(folder.as_uri())
    for artifact, exports in ((other.artifact, other.serving), (SHIPPED, serving)):
        assert store.promote(store.publish(artifact, exports)) == []
    return folder


@pytest.fixture
def store(promoted: Path, tmp_path: Path) -> ArtifactStore:
    """A store of the test's own under `models`: the shipped model is served, the other approved."""
    shutil.copytree(promoted, tmp_path / "models", copy_function=link)
    return ArtifactStore(f"file://{tmp_path}/models")


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


def test_only_whole_versions_are_served(
    tmp_path: Path, store: ArtifactStore, other: Variant
) -> None:
    """A version without a manifest was not uploaded completely."""
    (tmp_path / "models" / other.version / MANIFEST_NAME).unlink()
    assert store.list_models() == {VERSION: "served"}
    with pytest.raises(ArtifactStoreError, match="has no version"):
        store.switch(other.version)


def test_fetch_refuses_what_was_changed(tmp_path: Path, store: ArtifactStore) -> None:
    """The manifest has every published file, even the card; a changed one leaves nothing behind."""
    folders = (tmp_path / "artifacts", tmp_path / "serving")
    manifest = tmp_path / "models" / VERSION / MANIFEST_NAME
    for name in json.loads(manifest.read_text())["files"]:
        file = own(tmp_path / "models" / VERSION / name)
        size = file.stat().st_size
        with file.open("ab") as end:
            end.write(b" ")
        with pytest.raises(ArtifactError, match="is damaged: its digest differs"):
            store.fetch(VERSION, *folders)
        os.truncate(file, size)
        assert not [*folders[0].iterdir(), *folders[1].iterdir()]
    changed = json.loads(own(manifest).read_text())
    changed["files"]["MODEL_CARD.md"] = "0" * 64
    manifest.write_text(json.dumps(changed))
    with pytest.raises(ArtifactError, match="is not what was promoted"):
        store.fetch(VERSION, *folders)


def test_half_a_fetched_model_is_fetched_again(tmp_path: Path, store: ArtifactStore) -> None:
    """Both folders exist, as an interrupted copy left them."""
    folders = (tmp_path / "artifacts", tmp_path / "serving")
    store.fetch(VERSION, *folders)
    export = tmp_path / "serving" / VERSION
    for harm in (
        (export / "model.bin").unlink,
        lambda: os.truncate(export / "model.bin", 50_000_000),
        (tmp_path / "artifacts" / VERSION / METADATA_NAME).unlink,
    ):
        harm()
        assert store.fetch(VERSION, *folders) == tmp_path / "artifacts" / VERSION
        assert is_whole(read_artifact(tmp_path / "artifacts" / VERSION), *folders)
    assert sorted(path.name for path in (tmp_path / "serving").iterdir()) == [VERSION]


def test_killed_fetch_leaves_nothing_half(tmp_path: Path, store: ArtifactStore) -> None:
    """After SIGKILL at different times, a folder is either absent or complete."""
    del store
    folders = (tmp_path / "artifacts", tmp_path / "serving")
    script = (
        "import sys; from pathlib import Path; "
        "from model.serving.artifact_store import ArtifactStore; "
        f"ArtifactStore('file://{tmp_path}/models').fetch('{VERSION}', *map(Path, sys.argv[1:]))"
    )
    found = set()
    for delay in (0, 0.1, 0.3):
        process = subprocess.Popen([sys.executable, "-c", script, *map(str, folders)], cwd=ROOT)
        wait_until(lambda process=process: folders[1].is_dir() or process.poll() is not None)  # type: ignore[misc]
        time.sleep(delay)
        process.kill()
        process.wait()
        fetched = (folders[0] / VERSION).is_dir()
        found.add(fetched)
        assert not fetched or is_whole(read_artifact(folders[0] / VERSION), *folders)
        for folder in folders:
            for left in folder.glob(".*"):
                os.utime(left, (0, 0))
            remove_leftovers(folder)
            assert not list(folder.glob(".*"))
            shutil.rmtree(folder, ignore_errors=True)
    assert False in found


def test_commands_publish_promote_list_and_switch(
    tmp_path: Path, serving: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every state is listed; a refused or missing version gives an exit code and a reason."""
    store = ["--store", f"file://{tmp_path}/models"]
    shipped = ["--artifact", str(SHIPPED), "--serving", str(serving)]
    assert main(["publish", *store, *shipped]) == 0
    assert capsys.readouterr().out == f"{VERSION}\n"
    assert main(["list", *store]) == 0
    assert capsys.readouterr().out == f"{VERSION} candidate\n"
    assert main(["switch", VERSION, *store]) == 1
    assert "promote it first" in capsys.readouterr().err
    assert main(["candidate", VERSION, *store]) == 0
    assert main(["promote", VERSION, *store]) == 0
    capsys.readouterr()

    bad = make_variant(tmp_path / "bad", lambda shipped: move_threshold(shipped, 0.999))
    files = ["--artifact", str(bad.artifact), "--serving", str(bad.serving)]
    assert main(["publish", *store, *files]) == 0
    assert main(["promote", bad.version, *store]) == REFUSED
    assert "calls none of the pneumonia golden X-rays" in capsys.readouterr().err
    assert main(["list", *store]) == 0
    listed = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert listed == {VERSION: "served", bad.version: "refused"}
    assert main(["switch", bad.version, *store]) == 1
    assert main(["switch", "000000000000", *store]) == 1
    assert "has no version 000000000000" in capsys.readouterr().err


def test_served_model_is_not_published_over(tmp_path: Path, store: ArtifactStore) -> None:
    """Another export or card under its version would leave starting workers without a model."""
    changed = make_variant(tmp_path / "changed", lambda shipped: shipped)
    own(changed.artifact / "MODEL_CARD.md").write_text("another card")
    with pytest.raises(ArtifactStoreError, match="switch to another version"):
        store.publish(changed.artifact, changed.serving)
    assert store.list_models()[VERSION] == "served"
