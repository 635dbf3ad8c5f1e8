"""The training data of a bucket, copied to this machine: the same files, no other, or none at all.

`fsspec.generic.rsync` was looked at and is not used: it compares sizes, or fields of two listings
of which the local one has no digest, and writes in place, so a kill leaves half a set that counts.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import fsspec
from botocore.exceptions import BotoCoreError, ClientError

from model.serving.artifact import sha256_of

AWAY = (OSError, BotoCoreError, ClientError)
"""What a store of fsspec raises when it is full, broken or away: that of a disk, or of S3."""

ROUNDS = 3
"""Listings until two are the same: an upload that is still going on ends, or is reported."""


class FetchError(RuntimeError):
    """The data cannot be fetched; one sentence."""


@dataclass(frozen=True)
class Remote:
    """One file there: its whole path, its path below the folder, size in bytes, and its tag.

    The tag changes with the content (S3's ETag); it is empty where the store has none.
    """

    path: str
    name: str
    size: int
    tag: str

    @property
    def key(self) -> str:
        """What a copy of exactly this content of this file is found by."""
        return hashlib.sha256(f"{self.name}\n{self.size}\n{self.tag}".encode()).hexdigest()


def fetch_data(url: str, folder: Path) -> None:
    """Make `folder` hold what is at `url`, and nothing else. Raises FetchError.

    Copies are kept next to it in FOLDER.objects, named by what they are of and by their own digest,
    so whatever was cut, changed or withdrawn is noticed. `folder` itself is made of links to them
    and replaced as a whole: a kill at any moment leaves the last whole set, or none.
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
            raise FetchError(f"The data at {url} keeps changing; start again when it is complete.")
        _link(copies, folder)
        for path in objects.iterdir():
            if path not in copies.values():
                path.unlink()
    except (*AWAY, ValueError, ImportError) as error:
        raise FetchError(
            f"The data at {url} cannot be fetched ({type(error).__name__})."
        ) from error
    print(f"{len(found)} files of data.", flush=True)


def _list(files: fsspec.AbstractFileSystem, root: str) -> list[Remote]:
    """In name order; raises FetchError for a name that leads out of the folder."""
    found = []
    for path, facts in sorted(files.find(root, detail=True).items()):
        name = PurePosixPath(path).relative_to(root).as_posix()
        if ".." in PurePosixPath(name).parts:
            raise FetchError(f"The name {name!r} leads out of the folder of the data; remove it.")
        # A folder made by the console of S3 is an empty object whose name ends with a slash.
        if facts["type"] == "file" and not path.endswith("/"):
            found.append(Remote(path, name, facts["size"], facts.get("ETag") or ""))
    folders = {parent for file in found for parent in PurePosixPath(file.name).parents}
    return [file for file in found if PurePosixPath(file.name) not in folders]


def _copy(
    files: fsspec.AbstractFileSystem, found: list[Remote], objects: Path
) -> dict[Remote, Path]:
    """A whole copy of each file; what is there and proves to be one is not fetched again."""
    objects.mkdir(parents=True, exist_ok=True)
    there = {path.name.partition("-")[0]: path for path in objects.iterdir()}
    copies = {}
    for remote in found:
        old = there.get(remote.key)
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


def _link(copies: dict[Remote, Path], folder: Path) -> None:
    """Replace `folder` by one of hard links to `copies`."""
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for remote, copy in copies.items():
        target = fresh / remote.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(copy)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
