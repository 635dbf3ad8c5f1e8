"""The virtual environments of peers whose packages the project does not have.

Each is made once, in var/bench, from a pinned file next to this module, which is written by

    uv pip compile --universal --python-version 3.11 --no-header --no-annotate NAME.in \\
        --output-file requirements-NAME.txt
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.sides import ROOT

ENVIRONMENTS = ROOT / "var" / "bench"
DONE = ".requirements-sha256"
PIP_INSTALL = "-m pip install --quiet --disable-pip-version-check"


class CannotInstall(RuntimeError):
    """The packages of a peer cannot be had; the message is pip's reason, in one line."""


def find_requirements(name: str) -> Path:
    """The pinned packages of the environment `name`."""
    return Path(__file__).with_name(f"requirements-{name}.txt")


def make_environment(name: str) -> Path:
    """Its python, installed if it is not there or its requirements have changed.

    Raises CannotInstall.
    """
    requirements, folder = find_requirements(name), ENVIRONMENTS / name
    python, done = folder / "bin" / "python", folder / DONE
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if done.exists() and done.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), *PIP_INSTALL.split(), "--requirement", str(requirements)],
    )
    for step in steps:
        ended = subprocess.run(step, capture_output=True, text=True, check=False)
        if ended.returncode:
            lines = [line for line in ended.stderr.splitlines() if line.strip()]
            reasons = [line for line in lines if line.startswith("ERROR")] or lines
            raise CannotInstall(reasons[-1] if reasons else f"exit status {ended.returncode}")
    done.write_text(wanted)
    return python
