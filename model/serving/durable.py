"""Atomic, durable writes: files and folders are complete or absent, even after a kill or power cut.

A rename is atomic but may reach the disk before the data does, so the data is synced first.
"""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SCRATCH = ".scratch-"
LEFTOVER_SECONDS = 24 * 3600
"""Age at which scratch counts as left over: far longer than any download of a model takes."""


def write_file(path: Path, data: bytes) -> None:
    """Replace the content of `path`. Raises OSError, and then keeps the old content."""
    _replace(path, lambda scratch: scratch.write_bytes(data))


def copy_file(file: Path, path: Path) -> None:
    """Replace `path` by a copy of `file`. Raises OSError, and then keeps the old content."""
    _replace(path, lambda scratch: shutil.copyfile(file, scratch))


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write(scratch)
        _sync(scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    _sync(path.parent)


def install_folder(made: Path, final: Path) -> None:
    """Rename the finished folder `made` to `final`; both must be on one file system.

    An older `final` is removed first: a kill in between leaves no folder, never a mixture.
    """
    for path in (*made.rglob("*"), made):
        _sync(path)
    if final.exists():
        remove_folder(final)
    made.rename(final)
    _sync(final.parent)


def make_scratch(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    """A temporary folder in `folder`, on the file system that `install_folder` needs."""
    return tempfile.TemporaryDirectory(dir=folder, prefix=SCRATCH)


def remove_leftovers(folder: Path) -> None:
    """Delete the scratch of killed processes; younger scratch may still be in use."""
    for path in folder.glob(f"{SCRATCH}*"):
        if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
            shutil.rmtree(path)


def remove_folder(folder: Path) -> None:
    """Rename a folder before deleting it, so that a kill leaves no partial folder of that name."""
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=SCRATCH))
    folder.rename(aside / folder.name)
    shutil.rmtree(aside)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
