"""Published models: under one fsspec URL, by version; a person decides which one is served.

    python -m model.serving.artifact_store publish --store URL  # upload a candidate, not yet served
    python -m model.serving.artifact_store candidate VERSION --store URL  # would it pass the gate?
    python -m model.serving.artifact_store promote VERSION --store URL  # serve it if it passes
    python -m model.serving.artifact_store switch VERSION --store URL  # serve one promoted before
    python -m model.serving.artifact_store list --store URL

URL/VERSION/ holds the files of the artifact, its export under serving/, and the manifest, which is
written last. URL/approved/VERSION.json and URL/refused/VERSION.json record the gate's verdict.
URL/current is one line: the version that workers serve. The export is published because workers
have no TensorFlow to derive it with.

The exit status is 0, or 1 with one sentence, or 3 when the gate refuses. Does not import Keras.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.serving import approvals
from model.serving.artifact import (
    METADATA_NAME,
    Artifact,
    ArtifactError,
    parse_metadata,
    read_artifact,
)
from model.serving.durable import install_folder, make_scratch, write_file
from model.serving.export import read_export
from model.serving.gate import Figure, find_faults
from model.serving.golden import read_golden
from model.serving.layout import CARD_NAME, PUBLISHED_FILES, place_files
from model.serving.manifest import MANIFEST_NAME, Manifest, make_manifest, parse_manifest
from model.serving.object_store import ArtifactStoreError, ObjectStore

__all__ = ["ArtifactStoreError"]

CURRENT = "current"
STATES = ("candidate", "refused", "approved", "served")
DESCRIBED: tuple[Figure, ...] = ("auc_roc", "sensitivity", "specificity", "brier")
REFUSED = 3
"""The exit status when the gate refuses."""


class ArtifactStore:
    """The store at `url`. Every method raises ArtifactStoreError."""

    def __init__(self, url: str) -> None:
        self._objects = ObjectStore(url)

    def publish(self, artifact: Path, serving: Path) -> str:
        """Upload an artifact and its export `serving`/VERSION as a candidate; return its version.

        A version that is published again becomes a candidate again, unless its files are those that
        were approved: then this repairs damaged ones. Also raises ArtifactError if a file is
        missing or damaged.
        """
        found = read_artifact(artifact)
        version = found.version
        read_golden(artifact, found)
        read_export(found, artifact, serving)
        places = place_files([*PUBLISHED_FILES, CARD_NAME], artifact, serving / version)
        places = {name: file for name, file in places.items() if file.is_file()}
        manifest = make_manifest(version, places)
        approved = approvals.read_approved(self._objects, version)
        if approved != manifest.digest:
            if approved and self.read_current() == version:
                raise ArtifactStoreError(
                    f"Model {version} is served with another export or card; switch to another "
                    "version before you publish this one again."
                )
            approvals.forget_verdict(self._objects, version)
            self._objects.delete(f"{version}/{MANIFEST_NAME}")
        for name, file in places.items():
            self._objects.upload(f"{version}/{name}", file)
        self._objects.write(f"{version}/{MANIFEST_NAME}", manifest.encode())
        return version

    def find_faults(self, version: str) -> list[str]:
        """Why the gate would refuse a published model; empty if it would pass."""
        with tempfile.TemporaryDirectory() as scratch:
            artifacts, serving = Path(scratch, "models"), Path(scratch, "serving")
            try:
                self._download(self._read_manifest(version), artifacts, serving)
            except ArtifactError as error:
                return [str(error)]
            return find_faults(artifacts / version, serving, self._read_served())

    def promote(self, version: str) -> list[str]:
        """Serve a published model if it passes the gate; else record and return its faults."""
        manifest = self._read_manifest(version)
        faults = self.find_faults(version)
        approvals.record_verdict(self._objects, manifest, faults)
        if not faults:
            self.switch(version)
        return faults

    def switch(self, version: str) -> None:
        """Make all workers serve a version that was promoted before, older or newer."""
        approvals.check_approved(self._objects, self._read_manifest(version))
        self._objects.write(CURRENT, f"{version}\n".encode())

    def read_current(self) -> str | None:
        """The version to serve; None before anything was promoted."""
        data = self._objects.read(CURRENT)
        if data is None:
            return None
        version = data.decode(errors="replace").strip()
        if not re.fullmatch("[0-9a-f]{12}", version):  # it becomes the name of a folder
            raise ArtifactStoreError(f"{self._objects.url}/{CURRENT} does not name a version.")
        return version

    def list_models(self) -> dict[str, str]:
        """All completely published versions, each with one of STATES."""
        found = [path.parent.name for path in self._objects.find(f"*/{MANIFEST_NAME}")]
        verdicts = approvals.list_verdicts(self._objects)
        states = {version: verdicts.get(version, "candidate") for version in found}
        if (current := self.read_current()) in states:
            states[current] = "served"
        return states

    def describe(self, version: str) -> dict[str, Any]:
        """Of a published version: the digest of its `manifest`, when it was trained (`trained_at`),
        and its `figures` on the test split, each [value, low, high] of the 95 % interval."""
        name = f"{version}/{METADATA_NAME}"
        data = self._objects.read(name)
        if data is None:
            raise ArtifactStoreError(f"{self._objects.url} has no {name}; publish it again.")
        test = parse_metadata(data, f"{self._objects.url}/{name}").scores["test"]
        trained_at = json.loads(data)["training"].get("trained_at")
        return {
            "manifest": self._read_manifest(version).digest,
            "trained_at": trained_at,
            "figures": {name: test[name] for name in DESCRIBED if test[name]},
        }

    def fetch(self, version: str, artifacts: Path, serving: Path) -> Path:
        """Download into `artifacts`/VERSION and `serving`/VERSION, verified; return the first.

        Nothing is downloaded if complete files are there already. Raises ArtifactStoreError if the
        version was not promoted, ArtifactError if it is damaged.
        """
        manifest = self._read_manifest(version)
        approvals.check_approved(self._objects, manifest)
        try:
            manifest.check(place_files(manifest.files, artifacts / version, serving / version))
        except ArtifactError:
            self._download(manifest, artifacts, serving)
        return artifacts / version

    def _download(self, manifest: Manifest, artifacts: Path, serving: Path) -> None:
        """The export is installed first: a version counts as fetched once its artifact is there."""
        version = manifest.version
        artifacts.mkdir(parents=True, exist_ok=True)
        serving.mkdir(parents=True, exist_ok=True)
        with make_scratch(artifacts) as made, make_scratch(serving) as exported:
            artifact, export = Path(made, version), Path(exported, version)
            artifact.mkdir()
            export.mkdir()
            places = place_files(manifest.files, artifact, export)
            for name, file in places.items():
                self._objects.download(f"{version}/{name}", file)
            manifest.check(places)
            if (found := read_artifact(artifact).version) != version:
                raise ArtifactError(f"The model published as {version} is {found}.")
            write_file(artifact / MANIFEST_NAME, manifest.encode())
            install_folder(export, serving / version)
            install_folder(artifact, artifacts / version)

    def _read_manifest(self, version: str) -> Manifest:
        name = f"{version}/{MANIFEST_NAME}"
        data = self._objects.read(name)
        if data is None:
            raise ArtifactStoreError(
                f"{self._objects.url} has no version {version} with a manifest; publish it."
            )
        return parse_manifest(data, f"{self._objects.url}/{name}", version, PUBLISHED_FILES)

    def _read_served(self) -> Artifact | None:
        """The metadata of the model in service."""
        if (version := self.read_current()) is None:
            return None
        name = f"{version}/{METADATA_NAME}"
        data = self._objects.read(name)
        if data is None:
            raise ArtifactStoreError(
                f"{self._objects.url} names {version} as served but has no {name} to compare with; "
                "switch to a model that was promoted before."
            )
        return parse_metadata(data, f"{self._objects.url}/{name}")


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one action; an error is reported in one sentence."""
    parser = argparse.ArgumentParser(description="Publish models, and choose which one is served.")
    parser.add_argument("action", choices=("publish", "candidate", "promote", "switch", "list"))
    parser.add_argument("version", nargs="?", help="for candidate, promote and switch")
    parser.add_argument("--store", required=True, metavar="URL", help="as ARTIFACT_STORE")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    arguments = parser.parse_args(argv)
    if (arguments.action in ("publish", "list")) != (arguments.version is None):
        parser.error("candidate, promote and switch take a version; publish and list do not")
    try:
        store = ArtifactStore(arguments.store)
        if arguments.action == "publish":
            print(store.publish(arguments.artifact, arguments.serving))
        elif arguments.action == "switch":
            store.switch(arguments.version)
        elif arguments.action == "list":
            for version, state in store.list_models().items():
                print(version, state)
        else:
            judge = store.promote if arguments.action == "promote" else store.find_faults
            if faults := judge(arguments.version):
                print(f"Model {arguments.version} is refused:", *faults, sep="\n", file=sys.stderr)
                return REFUSED
            print(f"Model {arguments.version} passes the gate.")
    except (ArtifactStoreError, ArtifactError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
