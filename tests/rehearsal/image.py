"""The image of the rehearsal's machines: Debian 12, and caches of the packages that they install.

Created once below `var/rehearsal` and reused by later runs. A machine's script installs the same
packages with the same commands as on AWS, from local caches.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

from tests.stack import ROOT

WORK = ROOT / "var" / "rehearsal"
IMAGE = WORK / "image"
PACKAGES = WORK / "packages"
WHEELS = WORK / "wheels"
CACHES = {PACKAGES: "/srv/packages", WHEELS: "/srv/wheels"}
"""Where the caches are mounted in a machine."""

BASE = ("dbus", "systemd", "systemd-sysv", "iproute2", "procps", "sudo", "ca-certificates")
"""The packages of Debian's cloud image that the scripts need; cloud-init is added later."""

DEBIAN_PYTHON = {"python_version": "3.11", "python_full_version": "3.11.2"}

CLOUD_SETTINGS = """datasource_list: [NoCloud]
locale: C.UTF-8
preserve_hostname: true
"""
SOURCES = f"deb [trusted=yes] file:{CACHES[PACKAGES]} ./\n"
PIP_SETTINGS = f"[global]\nno-index = true\nfind-links = {CACHES[WHEELS]}\n"


def make_image(scripts: Iterable[str]) -> None:
    """Create image and caches for these scripts; existing ones are reused."""
    WORK.mkdir(parents=True, exist_ok=True)
    if not IMAGE.is_dir():
        _make_root()
    _make_packages(sorted({name for script in scripts for name in list_packages(script)}))
    _make_wheels()


def list_packages(script: str) -> list[str]:
    """The Debian packages that a host's script installs, without other repositories."""
    joined = script.replace("\\\n", " ")
    calls = re.findall(r"(?m)^packages ([a-z0-9 .+-]+)$", joined)
    return [name for call in calls for name in call.split()]


def _make_root() -> None:
    part = IMAGE.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    run("debootstrap", "--variant=minbase", f"--include={','.join(BASE)}", "bookworm", str(part))
    in_root(part, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "cloud-init")
    (part / "etc/cloud/cloud.cfg.d/90_rehearsal.cfg").write_text(CLOUD_SETTINGS)
    (part / "etc/pip.conf").write_text(PIP_SETTINGS)
    (part / "etc/machine-id").write_text("")
    part.rename(IMAGE)


def _make_packages(names: list[str]) -> None:
    stamp = PACKAGES / f"of-{_digest(' '.join(names))}"
    if stamp.exists():
        return
    shutil.rmtree(PACKAGES, ignore_errors=True)
    PACKAGES.mkdir()
    # Into a copy, so that downloads do not remain in the image.
    copy = WORK / "downloading"
    shutil.rmtree(copy, ignore_errors=True)
    run("cp", "-a", str(IMAGE), str(copy))
    in_root(copy, "apt-get", "update", "-qq")
    download = ("apt-get", "install", "-y", "-qq", "--download-only", "--no-install-recommends")
    in_root(copy, *download, *names)
    for file in (copy / "var/cache/apt/archives").glob("*.deb"):
        shutil.move(file, PACKAGES / file.name)
    shutil.rmtree(copy)
    index = run("dpkg-scanpackages", "--multiversion", ".", cwd=PACKAGES)
    (PACKAGES / "Packages").write_text(index)
    stamp.touch()


def _make_wheels() -> None:
    lock = (ROOT / "requirements.txt").read_text() + (ROOT / "pyproject.toml").read_text()
    stamp = WHEELS / f"of-{_digest(lock)}"
    if stamp.exists():
        return
    WHEELS.mkdir(exist_ok=True)
    pip = [str(ROOT / ".venv/bin/pip"), "download", "--quiet", "--dest", str(WHEELS)]
    run(*pip, "--constraint", "requirements.txt", ".[api,web,model]", "setuptools", *_list_extra())
    stamp.touch()


def _list_extra() -> list[str]:
    """Requirements of the lock that apply only to Debian's Python, not to the running one."""
    pinned = [Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines()]
    return [
        f"{one.name}{one.specifier}"
        for one in pinned
        if one.marker and one.marker.evaluate(DEBIAN_PYTHON) and not one.marker.evaluate()
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def in_root(root: Path, *command: str) -> None:
    """Run a command in a tree by chroot."""
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    run("chroot", str(root), *command)


def run(*command: str, cwd: Path = ROOT) -> str:
    """The command's output. Raises RuntimeError with the end of its errors."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
