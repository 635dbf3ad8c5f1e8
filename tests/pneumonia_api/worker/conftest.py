"""A store of models from which workers fetch: two versions of the shipped network."""

import shutil
from pathlib import Path

import pytest

from model.serving.artifact_store import ArtifactStore
from tests.variant import SHIPPED, Variant, link, make_variant, move_threshold


@pytest.fixture(scope="session")
def serving(whole_export: Path) -> Path:
    """Exports of the shipped artifact."""
    return whole_export.parent


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory, serving: Path) -> Variant:
    """The same network at another threshold: another version."""
    del serving
    return make_variant(
        tmp_path_factory.mktemp("other"), lambda shipped: move_threshold(shipped, 0.3)
    )


@pytest.fixture(scope="session")
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
