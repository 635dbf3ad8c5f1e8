"""Published artifacts: under one fsspec URL, by version, with their serving exports.

    python -m model.artifact_store publish --store URL   # model/artifact and its export; serve it
    python -m model.artifact_store switch VERSION --store URL   # serve one that is there already
    python -m model.artifact_store list --store URL

URL/VERSION/ holds the artifact's files and serving/; URL/current is one line, the version that all
workers serve. Files come first and `current` last, so a worker never sees half a model. Who serves
has no TensorFlow to derive the export with: that is why it is published too. Imports no Keras.
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import fsspec
from botocore.exceptions import BotoCoreError, ClientError
from fsspec.implementations.local import LocalFileSystem

from model.artifact import METADATA_NAME, OOD_NAME, WEIGHTS_NAME, ArtifactError, read_artifact

CURRENT = "current"
CARD_NAME = "MODEL_CARD.md"
AWAY = (OSError, BotoCoreError, ClientError)
"""What a store of fsspec raises when it cannot be reached or refuses."""

EXPORT_FILES = ("model.xml", "model.bin")


class ArtifactStoreError(RuntimeError):
    """The store is away, or does not have what is asked for; one sentence."""


class ArtifactStore:
    """`url` as above. Every method raises ArtifactStoreError."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ArtifactStoreError(f"{url} is no store of artifacts: {error}") from error

    def publish(self, artifact: Path, serving: Path) -> str:
        """Upload an artifact and its export `serving`/VERSION, serve it, return its version.

        Raises ArtifactError too, when the folder holds none.
        """
        version = read_artifact(artifact).version
        files = {name: artifact / name for name in (WEIGHTS_NAME, OOD_NAME, CARD_NAME)}
        files |= {f"serving/{name}": serving / version / name for name in EXPORT_FILES}
        for name, file in files.items():
            if file.is_file():
                self._write(f"{version}/{name}", file.read_bytes())
            elif name != CARD_NAME:
                raise ArtifactStoreError(
                    f"{file} is missing; make it with python -m model.network."
                )
        # Last of the files: what `switch` takes for the sign that a version is whole.
        self._write(f"{version}/{METADATA_NAME}", (artifact / METADATA_NAME).read_bytes())
        self.switch(version)
        return version

    def switch(self, version: str) -> None:
        """Let all workers serve a version that was published, older or newer."""
        if version not in self.list_versions():
            raise ArtifactStoreError(f"{self._url} has no version {version}.")
        self._write(CURRENT, f"{version}\n".encode())

    def read_current(self) -> str | None:
        """The version to serve; None before anything was published."""
        data = self._read(CURRENT)
        if data is None:
            return None
        version = data.decode(errors="replace").strip()
        if not re.fullmatch("[0-9a-f]{12}", version):  # it becomes a folder's name
            raise ArtifactStoreError(f"{self._url}/{CURRENT} does not name a version.")
        return version

    def list_versions(self) -> list[str]:
        """All that were published whole."""
        try:
            self._fs.invalidate_cache()  # others write too
            found = self._fs.glob(f"{self._root}/*/{METADATA_NAME}")
        except AWAY as error:
            raise self._unavailable(error) from error
        return sorted(Path(path).parent.name for path in found)

    def fetch(self, version: str, artifacts: Path, serving: Path) -> Path:
        """Download into `artifacts`/VERSION and `serving`/VERSION, checked; the first is returned.

        Nothing is done for what is there already. Raises ArtifactError when the files are damaged.
        """
        target = artifacts / version
        if target.is_dir() and (serving / version).is_dir():
            return target
        artifacts.mkdir(parents=True, exist_ok=True)
        serving.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=artifacts, prefix=".") as scratch,
            tempfile.TemporaryDirectory(dir=serving, prefix=".") as export,
        ):
            places = {name: Path(scratch) for name in (WEIGHTS_NAME, OOD_NAME, METADATA_NAME)}
            places |= {f"serving/{name}": Path(export) for name in EXPORT_FILES}
            for name, folder in places.items():
                data = self._read(f"{version}/{name}")
                if data is None:
                    raise ArtifactStoreError(f"{self._url} has no {version}/{name}.")
                (folder / Path(name).name).write_bytes(data)
            if (found := read_artifact(Path(scratch)).version) != version:
                raise ArtifactError(f"What is published as {version} is {found}.")
            for made, final in ((Path(export), serving / version), (Path(scratch), target)):
                shutil.rmtree(final, ignore_errors=True)
                shutil.copytree(made, final)
        return target

    def _write(self, name: str, data: bytes) -> None:
        try:
            # Only where there are folders: S3 would want a right for it that nothing else needs.
            if isinstance(self._fs, LocalFileSystem):
                self._fs.makedirs(f"{self._root}/{name}".rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(f"{self._root}/{name}", data)
        except AWAY as error:
            raise self._unavailable(error) from error

    def _read(self, name: str) -> bytes | None:
        try:
            data: bytes = self._fs.cat_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return None
        except AWAY as error:
            raise self._unavailable(error) from error
        return data

    def _unavailable(self, error: Exception) -> ArtifactStoreError:
        return ArtifactStoreError(f"{self._url} does not answer ({type(error).__name__}).")


def main(argv: Sequence[str] | None = None) -> int:
    """Publish, switch or list; faults are told in one line."""
    parser = argparse.ArgumentParser(description="Publish artifacts, and say which one is served.")
    parser.add_argument("action", choices=("publish", "switch", "list"))
    parser.add_argument("version", nargs="?", help="for switch")
    parser.add_argument("--store", required=True, metavar="URL", help="as ARTIFACT_STORE")
    parser.add_argument("--artifact", type=Path, default=Path("model/artifact"))
    parser.add_argument("--serving", type=Path, default=Path("var/serving"))
    arguments = parser.parse_args(argv)
    if (arguments.action == "switch") != (arguments.version is not None):
        parser.error("switch takes a version, and nothing else does")
    try:
        store = ArtifactStore(arguments.store)
        if arguments.action == "publish":
            print(store.publish(arguments.artifact, arguments.serving))
        elif arguments.action == "switch":
            store.switch(arguments.version)
        else:
            current = store.read_current()
            for version in store.list_versions():
                print(version, "served" if version == current else "")
    except (ArtifactStoreError, ArtifactError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
