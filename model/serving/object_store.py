"""The few operations on a disk or on S3 that publishing needs, by one fsspec URL."""

from pathlib import Path

import fsspec
from botocore.exceptions import BotoCoreError, ClientError
from fsspec.implementations.local import LocalFileSystem

from model.serving.durable import copy_file, write_file

AWAY = (OSError, BotoCoreError, ClientError)
"""What fsspec raises when a store is unreachable or denies access."""


class ArtifactStoreError(RuntimeError):
    """The store is unreachable, lacks an object, or forbids the action; one sentence."""


class ObjectStore:
    """Objects by name, relative to `url`. Every method raises ArtifactStoreError."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            # A remembered listing would hide what another host has stored since.
            self._fs, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            raise ArtifactStoreError(f"{url} is not a store of artifacts: {error}") from error

    def write(self, name: str, data: bytes) -> None:
        """Store a small object atomically."""
        try:
            if isinstance(self._fs, LocalFileSystem):
                write_file(self._make_folder_of(name), data)
            else:
                self._fs.pipe_file(f"{self._root}/{name}", data)
        except AWAY as error:
            raise self._unavailable(error) from error

    def upload(self, name: str, file: Path) -> None:
        """Store a large file, which is streamed."""
        try:
            if isinstance(self._fs, LocalFileSystem):
                copy_file(file, self._make_folder_of(name))
            else:
                self._fs.put_file(str(file), f"{self._root}/{name}")
        except AWAY as error:
            raise self._unavailable(error) from error

    def read(self, name: str) -> bytes | None:
        """The content of a small object, or None."""
        try:
            data: bytes = self._fs.cat_file(f"{self._root}/{name}")
        except FileNotFoundError:
            self._check_bucket()
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
        """Delete an object, if it exists."""
        if self.read(name) is None:
            return
        try:
            self._fs.rm_file(f"{self._root}/{name}")
        except AWAY as error:
            raise self._unavailable(error) from error

    def find(self, pattern: str) -> list[Path]:
        """The paths that match a glob pattern, sorted."""
        try:
            found = self._fs.glob(f"{self._root}/{pattern}")
        except AWAY as error:
            raise self._unavailable(error) from error
        return sorted(Path(path) for path in found)

    def _make_folder_of(self, name: str) -> Path:
        path = Path(self._root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _check_bucket(self) -> None:
        """Raise ArtifactStoreError if the bucket itself does not exist."""
        if isinstance(self._fs, LocalFileSystem):
            return  # the first write creates the folder
        try:
            self._fs.call_s3("head_bucket", Bucket=self._root.partition("/")[0])
        except PermissionError:
            return  # it exists
        except AWAY as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> ArtifactStoreError:
        return ArtifactStoreError(f"{self.url} does not answer ({type(error).__name__}).")
