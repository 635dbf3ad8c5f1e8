"""Bytes waiting for the worker, and previews: under one fsspec URL, so any host can read them."""

import hashlib
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import IO

import fsspec
from botocore.exceptions import BotoCoreError, ClientError

FOLDERS = ("incoming", "previews")
AWAY = (OSError, BotoCoreError, ClientError)
"""What a store of fsspec raises when it is full, broken or away: that of a disk, or of S3."""


class ImageMissing(LookupError):
    """No such image in the store."""


class ImageStoreUnavailable(RuntimeError):
    """The image store is full, broken or away."""


class Upload:
    """A file of the form, as its parser writes it; what is above `limit` is counted, not kept.

    Nothing of it stays unless the image store takes it over.
    """

    def __init__(self, file: IO[bytes], limit: int, name: str | None) -> None:
        """`name` is the file's path, or None when it has none and is gone once it is closed."""
        self.file = file
        self.name = name
        self.size = 0
        self._limit = limit
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        """Take the next bytes. Raises ImageStoreUnavailable."""
        self.size += len(data)
        if self.size <= self._limit:
            self._digest.update(data)
            try:
                # Unbuffered, so one call may take a part of it: of a disk that runs full, the rest
                # is refused by the next one.
                left = memoryview(data)
                while left:
                    left = left[self.file.write(left) :]
            except OSError as error:
                raise ImageStoreUnavailable(f"an upload: {error}") from error
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """What the form's parser does at the end."""
        return self.file.seek(offset, whence)

    def read(self) -> bytes:
        """All of it, within a `MemoryBudget`."""
        self.file.seek(0)
        return self.file.read()


class ImageStore:
    """`incoming/ID` holds an upload until it is judged, `previews/ID.jpg` what is left of it.

    Every method raises ImageStoreUnavailable when the store cannot do what is asked.
    """

    def __init__(self, url: str) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._is_local = "file" in self._fs.protocol

    def receive(self, limit: int) -> Upload:
        """An upload to write to, up to `limit` bytes: where it will be kept, or on this disk.

        Close it with `discard`, also when it was kept.
        """
        try:
            if not self._is_local:
                return Upload(tempfile.TemporaryFile(), limit, None)
            # Named like an upload, so that the sweep finds it after a power cut.
            name = f"{int(time.time() * 1000):012x}{secrets.token_hex(10)}.part"
            path = Path(self._root) / "incoming" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            return Upload(path.open("xb+", buffering=0), limit, str(path))
        except OSError as error:
            raise ImageStoreUnavailable(f"an upload: {error}") from error

    def keep(self, xray_id: str, upload: Upload) -> None:
        """Keep what was received; on a local disk it is on the disk when this returns."""
        if upload.name is None:
            self._write(f"incoming/{xray_id}", upload.read())
            return
        try:
            _settle(
                upload.file.fileno(), Path(upload.name), Path(f"{self._root}/incoming/{xray_id}")
            )
        except OSError as error:
            raise ImageStoreUnavailable(f"incoming/{xray_id}: {error}") from error

    @staticmethod
    def discard(upload: Upload) -> None:
        """Close it, and leave nothing of what was not kept."""
        upload.file.close()
        if upload.name:
            Path(upload.name).unlink(missing_ok=True)

    def write_incoming(self, xray_id: str, data: bytes) -> None:
        """Keep an upload; on a local disk it is on the disk when this returns."""
        self._write(f"incoming/{xray_id}", data)

    def read_incoming(self, xray_id: str) -> bytes:
        """The upload's bytes. Raises ImageMissing."""
        return self._read(f"incoming/{xray_id}")

    def delete_incoming(self, xray_id: str) -> None:
        """Forget the upload's bytes, if they are there."""
        self.delete(f"incoming/{xray_id}")

    def write_preview(self, xray_id: str, data: bytes) -> None:
        """Keep a preview, a JPEG."""
        self._write(f"previews/{xray_id}.jpg", data)

    def read_preview(self, xray_id: str) -> bytes:
        """A preview's bytes, a JPEG. Raises ImageMissing."""
        return self._read(f"previews/{xray_id}.jpg")

    def delete_preview(self, xray_id: str) -> None:
        """Forget a preview, if it is there."""
        self.delete(f"previews/{xray_id}.jpg")

    def list_names(self) -> list[str]:
        """Everything that is stored, as FOLDER/NAME; `.part` ends what was not written whole."""
        names: list[str] = []
        for folder in FOLDERS:
            try:
                found = self._fs.ls(f"{self._root}/{folder}", detail=False, refresh=True)
            except FileNotFoundError:
                continue  # made by the first write
            except AWAY as error:
                raise ImageStoreUnavailable(f"{folder}: {error}") from error
            names += [f"{folder}/{path.rpartition('/')[2]}" for path in found]
        return names

    def delete(self, name: str) -> None:
        """Forget what `list_names` calls `name`, if it is there."""
        try:
            self._fs.rm_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return  # deleted already: a task may run twice
        except AWAY as error:
            raise ImageStoreUnavailable(f"{name}: {error}") from error

    def _write(self, name: str, data: bytes) -> None:
        path = f"{self._root}/{name}"
        try:
            if self._is_local:
                _write_whole(Path(path), data)
            else:
                self._fs.pipe_file(path, data)  # an object appears when it is whole
        except AWAY as error:
            raise ImageStoreUnavailable(f"{name}: {error}") from error

    def _read(self, name: str) -> bytes:
        try:
            data: bytes = self._fs.cat_file(f"{self._root}/{name}")
        except FileNotFoundError as error:
            raise ImageMissing(name) from error
        except AWAY as error:
            raise ImageStoreUnavailable(f"{name}: {error}") from error
        return data


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file that nobody sees half, and that is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            _settle(file.fileno(), scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def _settle(file: int, scratch: Path, path: Path) -> None:
    """Give an open, written file its name; it is on the disk when this returns, or not there."""
    scratch.rename(path)
    try:
        # Redis syncs the record that follows; its image must not be the weaker part. After the
        # rename, so that one sync brings data and name into the journal.
        os.fsync(file)
    except OSError:
        path.unlink(missing_ok=True)  # a record must not count on bytes that may be lost
        raise
