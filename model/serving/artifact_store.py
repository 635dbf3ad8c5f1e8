"""Published models: under one fsspec URL, by version; a person decides which one is served.

    python -m model.serving.artifact_store publish --store URL  # a candidate, served to nobody
    python -m model.serving.artifact_store candidate VERSION --store URL  # would the gate pass it?
    python -m model.serving.artifact_store promote VERSION --store URL  # serve it, if the gate does
    python -m model.serving.artifact_store switch VERSION --store URL  # serve one promoted before
    python -m model.serving.artifact_store list --store URL

URL/VERSION/ holds the artifact's files and its export under serving/, and last its manifest.
URL/approved/VERSION.json records what the gate let through, by the digest of the manifest,
URL/refused/VERSION.json why it did not; URL/current is one line, the version that workers serve.
Who serves has no TensorFlow to derive the export with: that is why it is published too. Ends with
0, with 1 and one sentence, or with 3 when the gate refuses. Imports no Keras.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from model.serving.artifact import (
    METADATA_NAME,
    OOD_NAME,
    WEIGHTS_NAME,
    Artifact,
    ArtifactError,
    parse_metadata,
    read_artifact,
)
from model.serving.durable import install_folder, make_scratch, write_file
from model.serving.export import EXPORT_FILES, read_export
from model.serving.gate import find_faults
from model.serving.golden import GOLDEN_NAME, read_golden
from model.serving.manifest import MANIFEST_NAME, Manifest, make_manifest, parse_manifest
from model.serving.object_store import ArtifactStoreError, ObjectStore

__all__ = ["ArtifactStoreError"]

CURRENT = "current"
CARD_NAME = "MODEL_CARD.md"
ARTIFACT_FILES = (WEIGHTS_NAME, OOD_NAME, METADATA_NAME, GOLDEN_NAME)
PUBLISHED_FILES = frozenset(
    [*ARTIFACT_FILES, *(f"serving/{name}" for name in (*EXPORT_FILES, MANIFEST_NAME))]
)
STATES = ("candidate", "refused", "approved", "served")
REFUSED = 3
"""The exit code of a command that the gate refused."""


class ArtifactStore:
    """`url` as above. Every method raises ArtifactStoreError."""

    def __init__(self, url: str) -> None:
        self._objects = ObjectStore(url)

    def publish(self, artifact: Path, serving: Path) -> str:
        """Upload an artifact and its export `serving`/VERSION as a candidate, return its version.

        Published again it is a candidate again, unless the files are those that were approved:
        then what was damaged is mended. Raises ArtifactError too, when the files are not whole.
        """
        found = read_artifact(artifact)
        version = found.version
        read_golden(artifact, found)
        read_export(found, artifact, serving)
        places = {name: artifact / name for name in (*ARTIFACT_FILES, CARD_NAME)}
        places |= {
            f"serving/{name}": serving / version / name for name in (*EXPORT_FILES, MANIFEST_NAME)
        }
        places = {name: file for name, file in places.items() if file.is_file()}
        manifest = make_manifest(version, places)
        approved = self._read_approved(version)
        if approved not in (None, manifest.digest):
            if self.read_current() == version:
                raise ArtifactStoreError(
                    f"Model {version} is served with another export or card; switch to another "
                    "version before this one is published again."
                )
            self._objects.delete(f"approved/{version}.json")
        if approved != manifest.digest:
            self._objects.delete(f"refused/{version}.json")
            self._objects.delete(f"{version}/{MANIFEST_NAME}")
        for name, file in places.items():
            self._objects.upload(f"{version}/{name}", file)
        self._objects.write(f"{version}/{MANIFEST_NAME}", manifest.encode())
        return version

    def find_faults(self, version: str) -> list[str]:
        """Why the gate would refuse a published model; nothing when it may be promoted."""
        with tempfile.TemporaryDirectory() as scratch:
            artifacts, serving = Path(scratch, "models"), Path(scratch, "serving")
            try:
                self._download(self._read_manifest(version), artifacts, serving)
            except ArtifactError as error:
                return [str(error)]
            return find_faults(artifacts / version, serving, self._read_served())

    def promote(self, version: str) -> list[str]:
        """Serve a published model if it passes the gate; else return why not, and record that."""
        digest = self._read_manifest(version).digest
        faults = self.find_faults(version)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record = {"manifest_sha256": digest, "at": now, "reasons": faults}
        kind = "refused" if faults else "approved"
        self._objects.write(f"{kind}/{version}.json", json.dumps(record, indent=2).encode())
        if not faults:
            self._objects.delete(f"refused/{version}.json")
            self.switch(version)
        return faults

    def switch(self, version: str) -> None:
        """Let all workers serve a version that was promoted before, older or newer."""
        self._check_approved(self._read_manifest(version))
        self._objects.write(CURRENT, f"{version}\n".encode())

    def read_current(self) -> str | None:
        """The version to serve; None before anything was promoted."""
        data = self._objects.read(CURRENT)
        if data is None:
            return None
        version = data.decode(errors="replace").strip()
        if not re.fullmatch("[0-9a-f]{12}", version):  # it becomes a folder's name
            raise ArtifactStoreError(f"{self._objects.url}/{CURRENT} does not name a version.")
        return version

    def list_models(self) -> dict[str, str]:
        """All that were published whole, by version, with one of STATES."""
        found = [path.parent.name for path in self._objects.find(f"*/{MANIFEST_NAME}")]
        states = dict.fromkeys(found, "candidate")
        for state in ("refused", "approved"):
            for path in self._objects.find(f"{state}/*.json"):
                if path.stem in states:
                    states[path.stem] = state
        if (current := self.read_current()) in states:
            states[current] = "served"
        return states

    def fetch(self, version: str, artifacts: Path, serving: Path) -> Path:
        """Download into `artifacts`/VERSION and `serving`/VERSION, verified; return the first.

        Nothing is downloaded when what is there already is whole. Raises ArtifactStoreError when
        the version was not promoted, ArtifactError when it is damaged.
        """
        manifest = self._read_manifest(version)
        self._check_approved(manifest)
        try:
            manifest.check(place_files(manifest, artifacts, serving))
        except ArtifactError:
            self._download(manifest, artifacts, serving)
        return artifacts / version

    def _download(self, manifest: Manifest, artifacts: Path, serving: Path) -> None:
        """The export first: a version counts as fetched when its artifact is there."""
        version = manifest.version
        artifacts.mkdir(parents=True, exist_ok=True)
        serving.mkdir(parents=True, exist_ok=True)
        with (
            make_scratch(artifacts) as made,
            make_scratch(serving) as export,
        ):
            places = place_files(manifest, Path(made), Path(export))
            for folder in (Path(made, version), Path(export, version)):
                folder.mkdir()
            for name, file in places.items():
                self._objects.download(f"{version}/{name}", file)
            manifest.check(places)
            if (found := read_artifact(Path(made, version)).version) != version:
                raise ArtifactError(f"What is published as {version} is {found}.")
            write_file(Path(made, version, MANIFEST_NAME), manifest.encode())
            install_folder(Path(export, version), serving / version)
            install_folder(Path(made, version), artifacts / version)

    def _read_manifest(self, version: str) -> Manifest:
        name = f"{version}/{MANIFEST_NAME}"
        data = self._objects.read(name)
        if data is None:
            raise ArtifactStoreError(
                f"{self._objects.url} has no version {version} with a manifest; publish it."
            )
        return parse_manifest(data, f"{self._objects.url}/{name}", version, PUBLISHED_FILES)

    def _check_approved(self, manifest: Manifest) -> None:
        approved = self._read_approved(manifest.version)
        if approved is None:
            raise ArtifactStoreError(
                f"Model {manifest.version} is a candidate, which nobody may be judged by; promote "
                "it first."
            )
        if approved != manifest.digest:
            raise ArtifactError(
                f"What is published as {manifest.version} is not what was promoted; publish it "
                "again from the files that were."
            )

    def _read_approved(self, version: str) -> str | None:
        """The digest of the manifest that was promoted."""
        name = f"approved/{version}.json"
        data = self._objects.read(name)
        if data is None:
            return None
        try:
            digest = json.loads(data)["manifest_sha256"]
        except (ValueError, TypeError, KeyError):
            digest = None
        if not isinstance(digest, str):
            raise ArtifactStoreError(f"{self._objects.url}/{name} is damaged; promote it again.")
        return digest

    def _read_served(self) -> Artifact | None:
        """What is known of the model in service."""
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


def place_files(manifest: Manifest, artifacts: Path, serving: Path) -> dict[str, Path]:
    """Where the files of a published model lie on this machine, by their published names."""
    return {
        name: (serving if name.startswith("serving/") else artifacts)
        / manifest.version
        / Path(name).name
        for name in manifest.files
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Do one action; an error is one sentence."""
    parser = argparse.ArgumentParser(description="Publish models, and decide which one is served.")
    parser.add_argument("action", choices=("publish", "candidate", "promote", "switch", "list"))
    parser.add_argument("version", nargs="?", help="for candidate, promote and switch")
    parser.add_argument("--store", required=True, metavar="URL", help="as ARTIFACT_STORE")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    arguments = parser.parse_args(argv)
    if (arguments.action in ("publish", "list")) != (arguments.version is None):
        parser.error("candidate, promote and switch take a version, and nothing else does")
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
