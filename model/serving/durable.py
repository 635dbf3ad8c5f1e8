"""Files and folders that are whole or absent, also after a kill or a power cut.

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
"""Far longer than any download of a model takes."""


def write_file(path: Path, data: bytes) -> None:
    """Replace `path` by `data`. Raises OSError, and then leaves what was there."""
    _replace(path, lambda scratch: scratch.write_bytes(data))


def copy_file(file: Path, path: Path) -> None:
    """Replace `path` by a copy of `file`. Raises OSError, and then leaves what was there."""
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
    """Give the finished folder `made` the name `final`; both are on one file system.

    What had that name is removed first: a kill in between leaves nothing there, never a mix.
    """
    for path in (*made.rglob("*"), made):
        _sync(path)
    if final.exists():
        remove_folder(final)
    made.rename(final)
    _sync(final.parent)


def make_scratch(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    """A folder next to those that `install_folder` makes of its content."""
    return tempfile.TemporaryDirectory(dir=folder, prefix=SCRATCH)


def remove_leftovers(folder: Path) -> None:
    """Delete the scratch of processes that were killed; what is younger may be in use."""
    for path in folder.glob(f"{SCRATCH}*"):
        if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
            shutil.rmtree(path)


def remove_folder(folder: Path) -> None:
    """Take its name away before its files, so that a kill leaves no half of it under the name."""
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=SCRATCH))
    folder.rename(aside / folder.name)
    shutil.rmtree(aside)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
