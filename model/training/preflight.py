"""Checks of what a training run is given, before its first epoch."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from model.training.settings import InputError, RunSettings

MIN_FREE_BYTES = 1_000_000_000
"""In OUT: two epochs' weights with optimizer state, 290 MB each, the best weights, the artifact."""


def check_paths(settings: RunSettings) -> None:
    """Raise InputError unless the run can read its inputs and write its outputs.

    Only the paths: contents are checked where they are read, also before the first epoch.
    """
    for path in settings.data:
        if not path.is_file():
            check_folder("--data", path)
    _check_writable("--out", settings.out)
    if (free := shutil.disk_usage(settings.out).free) < MIN_FREE_BYTES:
        raise InputError(
            f"--out {settings.out} needs {MIN_FREE_BYTES / 1e9:g} GB, and {free / 1e9:.1f} GB are "
            "free; make room, or choose another disk."
        )
    if settings.cache:
        _check_writable("--cache", settings.cache)
    if metrics := settings.metrics:
        if metrics.is_dir():
            raise InputError(f"--metrics {metrics} is a folder; name a .prom file in it.")
        _try("--metrics", metrics, lambda: _write_into(metrics.parent))
    weights = Path(settings.weights)
    if weights.exists() and not weights.is_file():
        raise InputError(f"The weights {weights} cannot be used: not a regular file.")


def check_folder(option: str, folder: Path) -> None:
    """Raise InputError unless the folder that `option` names can be listed."""
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
