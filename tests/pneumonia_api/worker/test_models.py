"""The worker carries out what somebody wishes done with a model, on a real store of models."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from model.serving.artifact import read_artifact
from model.serving.artifact_store import ArtifactStore
from model.serving.manifest import MANIFEST_NAME
from pneumonia_api.records.models import Models, State, What, WishRecord
from pneumonia_api.worker import models as duty
from pneumonia_api.worker.models import ModelOffice, keep_models
from tests.variant import SHIPPED, make_variant, move_threshold

VERSION = read_artifact(SHIPPED).version


@pytest.fixture
def store(tmp_path: Path, whole_export: Path) -> ArtifactStore:
    """A store with the shipped model in service."""
    store = ArtifactStore((tmp_path / "store").as_uri())
    store.publish(SHIPPED, whole_export.parent)
    assert store.promote(VERSION) == []
    return store


def carry_out(office: ModelOffice, client: redis.Redis, what: What, version: str) -> WishRecord:
    """Wish, and have the worker carry it out."""
    models, now = Models(client), datetime.now(UTC)
    office.announce()
    models.wish(what, version, by="mel", at=now)
    assert office.carry_out()
    wish = models.find_wish(now)
    assert wish is not None
    return wish


def list_states(client: redis.Redis) -> dict[str, str]:
    """As the API would list them."""
    return {each["version"]: each["state"] for each in Models(client).list_all()}


def test_candidate_promotion_and_return(
    client: redis.Redis, store: ArtifactStore, tmp_path: Path
) -> None:
    """A model is tried without being served, promoted by the gate, and left again."""
    made = make_variant(tmp_path / "made", lambda shipped: move_threshold(shipped, 0.41))
    store.publish(made.artifact, made.serving)
    office = ModelOffice(client, store)
    tried = carry_out(office, client, What.CHECK, made.version)
    assert (tried.state, tried.reasons) == (State.DONE, ())
    assert store.read_current() == VERSION
    assert carry_out(office, client, What.PROMOTE, made.version).state is State.DONE
    assert store.read_current() == made.version
    office.announce()
    assert list_states(client) == {VERSION: "approved", made.version: "served"}
    assert carry_out(office, client, What.RETURN, VERSION).state is State.DONE
    assert store.read_current() == VERSION
    [listed] = [each for each in Models(client).list_all() if each["version"] == VERSION]
    assert len(listed["manifest"]) == 64
    assert 0.9 < listed["figures"]["auc_roc"][0] < 1
    lines = [fields for _, fields in client.xrange("audit")]
    assert [(each["who"], each["about"], each["outcome"]) for each in lines] == [
        ("mel", made.version, "done"),
        ("mel", VERSION, "done"),
    ]


def test_what_the_gate_refuses_is_not_served(
    client: redis.Redis, store: ArtifactStore, tmp_path: Path
) -> None:
    """The wish says why; a broken store is a failure, in one sentence."""
    made = make_variant(tmp_path / "made", lambda shipped: move_threshold(shipped, 0.9999))
    store.publish(made.artifact, made.serving)
    office = ModelOffice(client, store)
    wish = carry_out(office, client, What.PROMOTE, made.version)
    assert wish.state is State.REFUSED and wish.reasons
    assert store.read_current() == VERSION
    office.announce()
    assert list_states(client)[made.version] == "refused"
    Models(client).wish(What.CHECK, made.version, by="mel", at=datetime.now(UTC))
    (tmp_path / "store" / made.version / MANIFEST_NAME).unlink()
    assert office.carry_out()
    failed = Models(client).find_wish(datetime.now(UTC))
    assert failed is not None and failed.state is State.FAILED
    assert "publish it" in failed.reasons[0]


def test_the_thread_lists_and_carries_out(
    client: redis.Redis, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself; a worker without a store says so."""
    monkeypatch.setattr(duty, "PAUSE_SECONDS", 0.05)
    for each, listed in ((store, {VERSION: "served"}), (None, None)):
        ended = threading.Event()
        thread = threading.Thread(target=keep_models, args=(client, each, ended))
        client.delete("models:published")
        thread.start()
        try:
            while (text := client.get("models:published")) is None:
                ended.wait(0.05)
        finally:
            ended.set()
            thread.join()
        assert (list_states(client) if listed else text) == (listed or "null")
