"""Uploads that wait, previews and films; under one fsspec URL that every host can read."""

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import fsspec
from botocore.exceptions import BotoCoreError, ClientError

from model.reading.thumbnail import HEAD_BYTES, find_thumbnail
from pneumonia_api.records.image_files import (
    ImageStoreUnavailable,
    Upload,
    rename_and_sync,
    scratch_of,
    write_all,
    write_atomically,
)

FOLDERS = ("incoming", "previews", "films")
STORE_ERRORS = (OSError, BotoCoreError, ClientError)
"""What fsspec raises when a disk or S3 is full, broken or unreachable."""


END_OF_JPEG = b"\xff\xd9"
"""The last marker of every JPEG (ITU-T T.81, B.1.1.3)."""


class ImageMissing(LookupError):
    """The store has no such image."""


class FilmMissing(ImageMissing):
    """The store has no film at full depth of this X-ray."""


class ImageStore:
    """`incoming/ID` holds an upload until it is judged; `previews/ID.jpg` holds its preview, and
    `films/ID.png` the film at full depth (`model.reading.full_film`), if the site keeps it.

    Every method may raise ImageStoreUnavailable.
    """

    def __init__(self, url: str) -> None:
        # A remembered listing would hide what another host has stored since.
        self._fs, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        self._is_local = "file" in self._fs.protocol

    def receive(self, limit: int) -> Upload:
        """A file for an upload of up to `limit` bytes, in the store itself if that is local.

        Call `discard` at the end, even after `keep`.
        """
        try:
            if not self._is_local:
                return Upload(tempfile.TemporaryFile(), limit, None)
            # Named like an upload, so that the sweep finds it after a power cut.
            name = f"{int(time.time() * 1000):012x}{secrets.token_hex(10)}.part"
            path = Path(self._root) / "incoming" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            return Upload(path.open("xb+", buffering=0), limit, path)
        except OSError as error:
            raise ImageStoreUnavailable(f"an upload: {error}") from error

    def keep(self, xray_id: str, upload: Upload) -> None:
        """Move a received upload into the store; a local store has synced it on return."""
        if upload.path is None:
            self._write(f"incoming/{xray_id}", upload.read())
            return
        try:
            rename_and_sync(
                upload.file.fileno(), upload.path, Path(f"{self._root}/incoming/{xray_id}")
            )
        except OSError as error:
            raise ImageStoreUnavailable(f"incoming/{xray_id}: {error}") from error

    @staticmethod
    def discard(upload: Upload) -> None:
        """Close the upload, and delete its file unless it was kept."""
        upload.file.close()
        if upload.path:
            upload.path.unlink(missing_ok=True)

    def write_incoming(self, xray_id: str, data: bytes) -> None:
        """Store an upload; a local store has synced it on return."""
        self._write(f"incoming/{xray_id}", data)

    def read_incoming(self, xray_id: str) -> bytes:
        """The upload's bytes. Raises ImageMissing."""
        return self._read(f"incoming/{xray_id}")

    def delete_incoming(self, xray_id: str) -> None:
        """Delete the upload's bytes, if present."""
        self.delete(f"incoming/{xray_id}")

    def write_preview(self, xray_id: str, data: bytes) -> None:
        """Store a preview, a JPEG; a local store has synced it on return."""
        self._write(f"previews/{xray_id}.jpg", data)

    @contextmanager
    def writing_preview(self, xray_id: str, data: bytes) -> Iterator[None]:
        """The same, but it is there in the block, and a local store syncs it after the block.

        A power cut before that may lose it, so keep what it can be made from until then.
        """
        name = f"previews/{xray_id}.jpg"
        if not self._is_local:
            self._write(name, data)
            yield
            return
        path = Path(f"{self._root}/{name}")
        with ExitStack() as opened:
            try:
                file = opened.enter_context(scratch_of(path))
                write_all(file, data)
                Path(file.name).rename(path)
            except OSError as error:
                raise ImageStoreUnavailable(f"{name}: {error}") from error
            yield
            try:
                os.fsync(file.fileno())
            except OSError as error:
                raise ImageStoreUnavailable(f"{name}: {error}") from error

    def read_preview(self, xray_id: str) -> bytes:
        """A preview's bytes, a JPEG. Raises ImageMissing.

        A power cut may have left a part of the file, until the worker makes the preview again.
        """
        name = f"previews/{xray_id}.jpg"
        data = self._read(name)
        if not data.endswith(END_OF_JPEG):
            raise ImageMissing(name)
        return data

    def read_thumbnail(self, xray_id: str) -> bytes:
        """The thumbnail inside a preview, a JPEG; the whole preview if an earlier release wrote it.

        Raises ImageMissing.
        """
        head = self._read(f"previews/{xray_id}.jpg", HEAD_BYTES)
        return find_thumbnail(head) or self.read_preview(xray_id)

    def write_film(self, xray_id: str, data: bytes) -> None:
        """Store a film, a PNG; a local store has synced it on return."""
        self._write(f"films/{xray_id}.png", data)

    def share_film(self, xray_id: str, other: str) -> None:
        """Give the X-ray `other` the same film, if there is one."""
        source, target = (f"{self._root}/films/{name}.png" for name in (xray_id, other))
        try:
            if self._is_local:
                # A second name for the same bytes: at once, and each is deleted by itself.
                Path(target).hardlink_to(source)
            else:
                self._fs.cp_file(source, target)
        except FileNotFoundError:
            return  # of a site that keeps none, or not made yet: the preview is shown
        except STORE_ERRORS as error:
            raise ImageStoreUnavailable(f"films/{other}.png: {error}") from error

    def open_film(self, xray_id: str) -> tuple[IO[bytes], int]:
        """A film to read and close, and its size in bytes. Raises FilmMissing."""
        path = f"{self._root}/films/{xray_id}.png"
        try:
            size = int(self._fs.info(path)["size"])
            return self._fs.open(path, "rb", cache_type="readahead"), size
        except FileNotFoundError as error:
            self._check_is_there(f"films/{xray_id}.png", error)
            raise FilmMissing(path) from error
        except STORE_ERRORS as error:
            raise ImageStoreUnavailable(f"films/{xray_id}.png: {error}") from error

    def delete_pictures(self, xray_id: str) -> None:
        """Delete what a person sees of an X-ray, preview and film, if present."""
        self.delete(f"previews/{xray_id}.jpg")
        self.delete(f"films/{xray_id}.png")

    def list_names(self) -> list[str]:
        """All stored files as FOLDER/NAME; a name that ends in `.part` is incomplete."""
        names: list[str] = []
        for folder in FOLDERS:
            try:
                found = self._fs.ls(f"{self._root}/{folder}", detail=False)
            except FileNotFoundError:
                continue  # the first write creates it
            except STORE_ERRORS as error:
                raise ImageStoreUnavailable(f"{folder}: {error}") from error
            names += [f"{folder}/{path.rpartition('/')[2]}" for path in found]
        return names

    def delete(self, name: str) -> None:
        """Delete a file by its name in `list_names`, if present."""
        try:
            self._fs.rm_file(f"{self._root}/{name}")
        except FileNotFoundError as error:
            self._check_is_there(name, error)  # if so, deleted before: a task may run twice
        except STORE_ERRORS as error:
            raise ImageStoreUnavailable(f"{name}: {error}") from error

    def _check_is_there(self, name: str, error: FileNotFoundError) -> None:
        """Raise ImageStoreUnavailable if the store itself is absent, not only `name`.

        Such as a bucket that was renamed, or a volume that is not mounted; the first image creates
        the folder that is looked for.
        """
        if not (self._has_folder() if self._is_local else self._has_bucket()):
            raise ImageStoreUnavailable(f"{name}: the store is not there") from error

    def _has_folder(self) -> bool:
        return any(Path(self._root, folder).is_dir() for folder in FOLDERS)

    def _has_bucket(self) -> bool:
        try:
            self._fs.call_s3("head_bucket", Bucket=self._root.partition("/")[0])
        except FileNotFoundError:
            return False
        except PermissionError:
            return True
        except STORE_ERRORS as error:
            raise ImageStoreUnavailable(f"the bucket: {error}") from error
        return True

    def _write(self, name: str, data: bytes) -> None:
        path = f"{self._root}/{name}"
        try:
            if self._is_local:
                write_atomically(Path(path), data)
            else:
                self._fs.pipe_file(path, data)  # an object appears only when complete
        except STORE_ERRORS as error:
            raise ImageStoreUnavailable(f"{name}: {error}") from error

    def _read(self, name: str, end: int | None = None) -> bytes:
        """All bytes of a file, or those before `end`."""
        try:
            data: bytes = self._fs.cat_file(f"{self._root}/{name}", end=end)
        except FileNotFoundError as error:
            self._check_is_there(name, error)
            raise ImageMissing(name) from error
        except STORE_ERRORS as error:
            raise ImageStoreUnavailable(f"{name}: {error}") from error
        return data
