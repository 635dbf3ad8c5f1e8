"""Tools that only the checks of `terraform/` need, in a separate virtual environment.

checkov needs other versions than the application. `tools.txt` pins everything.
"""

import subprocess
import sys
from pathlib import Path

from tests.terraform.local_aws import WORK

PINNED = Path(__file__).with_name("tools.txt")


def install_tools() -> Path:
    """The folder of their commands, installed below `var/` and again when the pins change."""
    home = WORK / "tools"
    stamp = home / "installed"
    if not stamp.is_file() or stamp.read_text() != PINNED.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        command = [str(home / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "--requirement", str(PINNED)], check=True)
        stamp.write_text(PINNED.read_text())
    return home / "bin"
