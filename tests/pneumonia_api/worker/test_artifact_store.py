"""`model.serving.artifact_store`: what workers fetch is whole, or it is refused."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from model.serving.artifact import METADATA_NAME, ArtifactError, read_artifact
from model.serving.artifact_store import REFUSED, ArtifactStore, ArtifactStoreError, main
from model.serving.durable import remove_leftovers
from model.serving.export import is_whole
from model.serving.manifest import MANIFEST_NAME
from tests.stack import ROOT
from tests.variant import SHIPPED, Variant, make_variant, move_threshold, own

VERSION = read_artifact(SHIPPED).version


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
        while not folders[1].is_dir() and process.poll() is None:
            time.sleep(0.05)
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
