"""Copy the training data of a bucket to this machine: exactly its files, or none at all.

`fsspec.generic.rsync` does not do: it compares sizes, or fields of two listings of which the local
one has no digest, and it writes in place, so a kill leaves a partial set that looks complete.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import fsspec
from botocore.exceptions import BotoCoreError, ClientError

from model.serving.artifact import sha256_of

STORE_ERRORS = (OSError, BotoCoreError, ClientError)
"""What fsspec raises for a store that is full, broken or unreachable: a disk, or S3."""

ROUNDS = 3
"""Copies before giving up on data that changes all the time, such as during an upload."""


class FetchError(RuntimeError):
    """The data cannot be fetched; the message is one sentence."""


@dataclass(frozen=True)
class RemoteFile:
    """A file in the bucket: full path, name relative to the folder, size in bytes, and tag.

    The tag changes with the content (S3's ETag); it is empty where the store has none.
    """

    path: str
    name: str
    size: int
    tag: str

    @property
    def key(self) -> str:
        """Identifies this version of this file among the local copies."""
        return hashlib.sha256(f"{self.name}\n{self.size}\n{self.tag}".encode()).hexdigest()


def fetch_data(url: str, folder: Path) -> None:
    """Make `folder` hold the files at `url`, and nothing else. Raises FetchError.

    Copies are in FOLDER.objects, named by their origin and their own digest, so truncated, changed
    and deleted files are noticed. `folder` holds hard links to them and is replaced as a whole: a
    kill at any moment leaves the last complete set, or none.
    """
    objects = folder.with_name(f"{folder.name}.objects")
    try:
        files, root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
        found = _list(files, root)
        for _ in range(ROUNDS):
            if not found:
                raise FetchError(f"There is no data at {url}; upload train/ and test/ there first.")
            copies = _copy(files, found, objects)
            files.invalidate_cache()
            if (again := _list(files, root)) == found:
                break
            found = again
        else:
            raise FetchError(f"The data at {url} keeps changing; start again after the upload.")
        _link(copies, folder)
        for path in objects.iterdir():
            if path not in copies.values():
                path.unlink()
    except (*STORE_ERRORS, ValueError, ImportError) as error:
        raise FetchError(
            f"The data at {url} cannot be fetched ({type(error).__name__})."
        ) from error
    print(f"{len(found)} files of data.", flush=True)


def _list(files: fsspec.AbstractFileSystem, root: str) -> list[RemoteFile]:
    """The files in order of their names. Raises FetchError for a name that leads out of `root`."""
    found = []
    for path, facts in sorted(files.find(root, detail=True).items()):
        name = PurePosixPath(path).relative_to(root).as_posix()
        if ".." in PurePosixPath(name).parts:
            raise FetchError(f"The name {name!r} leads out of the folder of the data; remove it.")
        # The S3 console creates a folder as an empty object whose name ends with a slash.
        if facts["type"] == "file" and not path.endswith("/"):
            found.append(RemoteFile(path, name, facts["size"], facts.get("ETag") or ""))
    folders = {parent for file in found for parent in PurePosixPath(file.name).parents}
    return [file for file in found if PurePosixPath(file.name) not in folders]


def _copy(
    files: fsspec.AbstractFileSystem, found: list[RemoteFile], objects: Path
) -> dict[RemoteFile, Path]:
    """Copy each file, unless `objects` has an intact copy of this version."""
    objects.mkdir(parents=True, exist_ok=True)
    existing = {path.name.partition("-")[0]: path for path in objects.iterdir()}
    copies = {}
    for remote in found:
        old = existing.get(remote.key)
        if old and remote.tag and old.name == f"{remote.key}-{sha256_of(old)}":
            copies[remote] = old
            continue
        partial = objects / "partial"
        files.get_file(remote.path, str(partial))
        if partial.stat().st_size != remote.size:
            raise FetchError(f"The copy of {remote.name} was cut short; start again.")
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        copies[remote] = partial.rename(objects / f"{remote.key}-{sha256_of(partial)}")
    return copies


def _link(copies: dict[RemoteFile, Path], folder: Path) -> None:
    """Replace `folder` by a new one with hard links to `copies`."""
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for remote, copy in copies.items():
        target = fresh / remote.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(copy)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
