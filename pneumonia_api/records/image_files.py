"""Files of the image store on a local disk, each complete and synced or not there; and uploads."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class ImageStoreUnavailable(RuntimeError):
    """The image store is full, broken or unreachable."""


class Upload:
    """The file of an upload form, written by the form parser.

    Bytes beyond `limit` are counted but not kept. `ImageStore.keep` moves the file into the store;
    otherwise `ImageStore.discard` removes it.
    """

    def __init__(self, file: IO[bytes], limit: int, path: Path | None) -> None:
        """`path` is None for an anonymous file, which disappears when it is closed."""
        self.file = file
        self.path = path
        self.size = 0
        self._limit = limit
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        """Append `data`. Raises ImageStoreUnavailable."""
        self.size += len(data)
        if self.size <= self._limit:
            self._digest.update(data)
            try:
                write_all(self.file, data)
            except OSError as error:
                raise ImageStoreUnavailable(f"an upload: {error}") from error
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """The form parser rewinds the file when it is complete."""
        return self.file.seek(offset, whence)

    def read(self) -> bytes:
        """All bytes; hold a `MemoryBudget` for them."""
        self.file.seek(0)
        return self.file.read()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file atomically and sync it."""
    with scratch_of(path) as file:
        write_all(file, data)
        rename_and_sync(file.fileno(), Path(file.name), path)


@contextmanager
def scratch_of(path: Path) -> Iterator[IO[bytes]]:
    """A new file next to `path`, which is deleted at the end unless it was renamed.

    It is unbuffered, so that closing it writes nothing and cannot fail on a full disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with scratch.open("wb", buffering=0) as file:
            yield file
    finally:
        scratch.unlink(missing_ok=True)


def write_all(file: IO[bytes], data: bytes) -> None:
    """Write to an unbuffered file, of which one call may write only a part.

    On a disk that runs full, the next call raises OSError.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def rename_and_sync(file: int, scratch: Path, path: Path) -> None:
    """Give an open, written file its final name and sync it; delete it if that fails."""
    scratch.rename(path)
    try:
        # Redis syncs the record that follows, so the image must be as durable. Sync after the
        # rename, so that one fsync journals data and name.
        os.fsync(file)
    except OSError:
        path.unlink(missing_ok=True)  # no record may rely on bytes that may be lost
        raise
