"""The few operations on files that models need of a disk or of S3, by one fsspec URL."""

from pathlib import Path

import fsspec
from botocore.exceptions import BotoCoreError, ClientError
from fsspec.implementations.local import LocalFileSystem

from model.serving.durable import copy_file, write_file

AWAY = (OSError, BotoCoreError, ClientError)
"""What a store of fsspec raises when it cannot be reached or refuses."""


class ArtifactStoreError(RuntimeError):
    """The store is away, lacks what is asked for, or must not do it; one sentence."""


class ObjectStore:
    """Names are relative to `url`. Every method raises ArtifactStoreError."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ArtifactStoreError(f"{url} is no store of artifacts: {error}") from error

    def write(self, name: str, data: bytes) -> None:
        """Store a small object, whole or not at all."""
        try:
            if isinstance(self._fs, LocalFileSystem):
                write_file(self._make_folder_of(name), data)
            else:
                self._fs.pipe_file(f"{self._root}/{name}", data)
        except AWAY as error:
            raise self._unavailable(error) from error

    def upload(self, name: str, file: Path) -> None:
        """Store a large file, which is never in memory as a whole."""
        try:
            if isinstance(self._fs, LocalFileSystem):
                copy_file(file, self._make_folder_of(name))
            else:
                self._fs.put_file(str(file), f"{self._root}/{name}")
        except AWAY as error:
            raise self._unavailable(error) from error

    def read(self, name: str) -> bytes | None:
        """A small object; None where there is none."""
        try:
            data: bytes = self._fs.cat_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return None
        except AWAY as error:
            raise self._unavailable(error) from error
        return data

    def download(self, name: str, file: Path) -> None:
        """Write an object to `file`."""
        try:
            self._fs.get_file(f"{self._root}/{name}", str(file))
        except FileNotFoundError as error:
            raise ArtifactStoreError(f"{self.url} has no {name}.") from error
        except AWAY as error:
            raise self._unavailable(error) from error

    def delete(self, name: str) -> None:
        """Forget an object, if it is there."""
        if self.read(name) is None:
            return
        try:
            self._fs.rm_file(f"{self._root}/{name}")
        except AWAY as error:
            raise self._unavailable(error) from error

    def find(self, pattern: str) -> list[Path]:
        """Names that match, sorted."""
        try:
            self._fs.invalidate_cache()  # others write too
            found = self._fs.glob(f"{self._root}/{pattern}")
        except AWAY as error:
            raise self._unavailable(error) from error
        return sorted(Path(path) for path in found)

    def _make_folder_of(self, name: str) -> Path:
        path = Path(self._root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _unavailable(self, error: Exception) -> ArtifactStoreError:
        return ArtifactStoreError(f"{self.url} does not answer ({type(error).__name__}).")
