"""Lists what is below a folder: image files, unreadable folders, and what is not a regular file.

Opens regular files only: reading a named pipe blocks for ever, and a device never ends.
"""

import os
import stat
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from model.reading.kinds import HEAD_BYTES, find_kind

SUFFIXES = (".jpg", ".jpeg", ".png", ".dcm", ".dicom", ".tif", ".tiff")

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegular(ValueError):
    """The path is not a regular file; the message is one sentence that says what it is."""


@dataclass
class Listing:
    """Everything below a folder, in name order.

    `files` are images by suffix or first bytes, and files that could not be read to find out.
    `closed` are folders that cannot be listed, with the reason. `skipped` are paths that are not
    regular files, with what they are. `others` counts files that are not images.
    """

    files: list[Path] = field(default_factory=list)
    closed: list[tuple[Path, str]] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    others: int = 0


def list_files(folder: Path) -> Listing:
    """List `folder` recursively, without hidden names.

    An image is recognised by its suffix or by its first bytes, because DICOM files often have no
    suffix. Symbolic links to files are followed; links to folders are not, because they may form a
    loop.
    """
    found = Listing()

    def note(error: OSError) -> None:
        found.closed.append((Path(error.filename), f"{error.strerror}."))

    for parent, folders, names in os.walk(folder, onerror=note):
        for name in folders:
            if not name.startswith(".") and (path := Path(parent, name)).is_symlink():
                reason = "It is a link to a folder; score that folder by itself."
                found.skipped.append((path, reason))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(parent, name) for name in sorted(names) if not name.startswith(".")):
            try:
                is_image = _is_image(path)
            except NotRegular as error:
                found.skipped.append((path, str(error)))
            except OSError:
                found.files.append(path)  # reading it later reports why
            else:
                if is_image:
                    found.files.append(path)
                else:
                    found.others += 1
    return found


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading. Raises NotRegular, and OSError as `open` does."""
    _check_regular(path.stat().st_mode)
    # Non-blocking, in case a pipe has taken its place since then.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    try:
        _check_regular(os.fstat(descriptor).st_mode)
    except NotRegular:
        file.close()
        raise
    return file


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "no regular file")
        raise NotRegular(f"It is {kind}.")


def _is_image(path: Path) -> bool:
    if path.suffix.lower() in SUFFIXES:
        _check_regular(path.stat().st_mode)
        return True
    with open_regular(path) as file:
        kind = find_kind(file.read(HEAD_BYTES))
    return kind is not None and path.name.upper() != "DICOMDIR"
