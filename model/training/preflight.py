"""What a training run is given, tried before its first epoch: a wrong path ends it now."""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.reading.dataset import read_images
from model.reading.xray import model_input
from model.serving.density import is_in_fitting_half
from model.training.refusal import Pictures, patient_of

MIN_FREE_BYTES = 1_000_000_000
"""In OUT: the weights of two epochs with their optimizer's state, 290 MB each, the best ones and
the artifact."""


class InputError(ValueError):
    """Something that the run was given cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class RefusalPictures:
    """What the refusal is fitted and measured on beside the data; None where it was not given."""

    other: Pictures | None
    strange: Pictures | None


def check_places(arguments: argparse.Namespace) -> None:
    """Raise InputError unless folders and files can be read and written as the run will.

    Contents are checked by who reads them, before the first epoch too: see `read_splits`,
    `load_weights`, `open_run`, `read_refusal_pictures` and `check_space`.
    """
    _check_folder("--data", arguments.data)
    _check_writable("--out", arguments.out)
    if (free := shutil.disk_usage(arguments.out).free) < MIN_FREE_BYTES:
        raise InputError(
            f"--out {arguments.out} needs {MIN_FREE_BYTES / 1e9:g} GB, and {free / 1e9:.1f} GB are "
            "free; make room, or choose another disk."
        )
    if arguments.cache:
        _check_writable("--cache", arguments.cache)
    if metrics := arguments.metrics:
        if metrics.is_dir():
            raise InputError(f"--metrics {metrics} is a folder; name a .prom file in it.")
        _try("--metrics", metrics, lambda: _write_into(metrics.parent))
    weights = Path(arguments.weights)
    if weights.exists() and not weights.is_file():
        raise InputError(f"The weights {weights} cannot be used: this is no file.")


def read_refusal_pictures(arguments: argparse.Namespace) -> RefusalPictures:
    """The images of --other-xrays and --not-xrays. Raises InputError."""
    other = _read_pictures("--other-xrays", arguments.other_xrays, arguments.side)
    strange = _read_pictures("--not-xrays", arguments.not_xrays, arguments.side)
    if other and len({is_in_fitting_half(patient_of(name)) for name in other.names}) < 2:
        raise InputError(
            f"--other-xrays {arguments.other_xrays} needs images of more patients: half of them "
            "are fitted, the other half measured."
        )
    return RefusalPictures(other, strange)


def _read_pictures(option: str, folder: Path | None, side: int) -> Pictures | None:
    if folder is None:
        return None
    _check_folder(option, folder)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".csv"]
    found = read_images(paths, lambda xray: model_input(xray, side))
    images = [image for image in found if not isinstance(image, Exception)]
    if not images:
        raise InputError(f"{option} {folder} holds no image that can be read.")
    names = [
        path.relative_to(folder).as_posix()
        for path, image in zip(paths, found, strict=True)
        if not isinstance(image, Exception)
    ]
    return Pictures(np.stack(images), names, len(found) - len(images))


def _check_folder(option: str, folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"{option} {folder} is not a folder.")
    _try(option, folder, lambda: next(folder.iterdir(), None))


def _check_writable(option: str, folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{option} {folder} is not a folder.")
    _try(option, folder, lambda: _write_into(folder))


def _write_into(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _try(option: str, path: Path, use: Callable[[], object]) -> None:
    try:
        use()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{option} {path} cannot be written to or read: {reason}.") from error
