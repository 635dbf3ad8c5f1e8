"""Run hosts' scripts without a host: in a separate root, with stubs for system programs.

A mount namespace puts empty folders in the places of /etc, /opt and /var, so that a script writes
where it would write; `stubs/stub` stands for apt, aws, systemctl and the like on PATH.
"""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.stack import ROOT

STUB = Path(__file__).with_name("stubs") / "stub"
PROGRAMS = (
    *("amazon-cloudwatch-agent-ctl", "amtool", "apt-get", "aws", "curl", "dpkg", "lsblk"),
    *("mkfs.ext4", "mount", "mountpoint", "nvidia-smi", "openssl", "pip", "promtool", "python"),
    *("python3", "sleep", "sync", "systemctl", "useradd", "uv", "wipefs"),
)
SECRETS = {
    name: f"{number}{'0123456789abcdef' * 4}"[:64]
    for number, name in enumerate(
        (
            "redis-password",
            "api-key",
            "web-key",
            "dicom-key",
            "secret-key",
            "first-user-password",
            "grafana-password",
            "oidc-client-secret",
        )
    )
}
USERS = "".join(f"{name}:x:0:0::/:/bin/false\n" for name in ("root", "redis", "grafana"))
"""All mapped to this user: an unprivileged namespace has no other."""

GROUPS = "".join(f"{name}:x:0:\n" for name in ("root", "redis", "grafana", "pneumonia"))
NO_SETTINGS = ("/etc/passwd", "/opt/pneumonia/release/", "/opt/pneumonia/venv/", "/var/log/")
ENTER = """
set -e
for folder in etc opt var; do /usr/bin/mount --bind "$MACHINE/$folder" "/$folder"; done
exec bash "$@"
"""


@dataclass(frozen=True)
class Run:
    """The result of a run: exit status, calls of programs in order, output."""

    status: int
    calls: list[str]
    printed: str


class FakeHost:
    """A machine that consists only of files in `folder`."""

    def __init__(self, folder: Path, release: Path, script: str) -> None:
        self.folder = folder
        self._stubs = folder / "stubs"
        self._state = folder / "state"
        for part in ("etc/default", "etc/redis", "etc/systemd/system", "etc/prometheus"):
            (folder / part).mkdir(parents=True)
        for part in ("etc/apt/sources.list.d", "etc/grafana", "opt", "var/lib", "var/log"):
            (folder / part).mkdir(parents=True)
        self._stubs.mkdir()
        (self._state / "secrets/pneumonia").mkdir(parents=True)
        for name in PROGRAMS:
            (self._stubs / name).symlink_to(STUB)
        for name, value in SECRETS.items():
            (self._state / "secrets/pneumonia" / name).write_text(f"{value}\n")
        (folder / "etc/passwd").write_text(USERS)
        (folder / "etc/group").write_text(GROUPS)
        (folder / "etc/os-release").write_text('ID=ubuntu\nVERSION_ID="22.04"\n')
        (folder / "etc/fstab").write_text("UUID=0123 / ext4 defaults 0 1\n")
        (self._state / "release.tar.gz").symlink_to(release)
        self.answer("serial", "vol0123456789abcdef0\n")
        self.answer("signatures", "")
        self.answer("judged", '{"id": "0a1b2c", "prediction": {}, "status": "done"}')
        self._script = folder / "part-001"
        self._script.write_text(script)
        self.script = script

    def answer(self, name: str, text: str) -> None:
        """Set what the stub that reads this file prints."""
        (self._state / name).write_text(text)

    def run(self, *arguments: str, fail: int = 0, manner: str = "once") -> Run:
        """Run the script; call number `fail` of a program fails."""
        (self._state / "count").write_text("0\n")
        (self._state / "calls").write_text("")
        (self._state / "broken").unlink(missing_ok=True)
        environment = {
            "PATH": f"{self._stubs}:/usr/sbin:/usr/bin:/sbin:/bin",
            "MACHINE": str(self.folder),
            "STATE": str(self._state),
            "STUBS": str(self._stubs),
            "FAIL": str(fail),
            "MANNER": manner,
        }
        enter = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", ENTER, "sh"]
        done = subprocess.run(
            [*enter, str(self._script), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        calls = (self._state / "calls").read_text().splitlines()
        log = self.folder / "var/log/pneumonia-setup.log"
        printed = done.stdout + (log.read_text() if log.is_file() else "")
        return Run(done.returncode, [call.partition(" ")[2] for call in calls], printed)

    def read_settings(self) -> Mapping[str, tuple[int, bytes]]:
        """Mode and content of every file that the scripts wrote, by path on the machine."""
        found = {}
        for top in ("etc", "opt", "var"):
            for file in sorted((self.folder / top).rglob("*")):
                path = f"/{file.relative_to(self.folder)}"
                is_setting = not path.startswith(NO_SETTINGS) and file.suffix != ".deb"
                if is_setting and file.is_file() and not file.is_symlink():
                    found[path] = (file.stat().st_mode & 0o777, file.read_bytes())
        return found


def pack_release(folder: Path) -> Path:
    """The files of a release that the scripts read: units, templates and settings."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    endings = (".service", ".template", ".conf", ".yml", ".txt", ".jpeg")
    archive = folder / "release.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in listed:
            if name.endswith(endings) and not name.startswith("tests/") and (ROOT / name).is_file():
                tar.add(ROOT / name, name)
    return archive


def find_missing() -> str:
    """Why hosts' scripts cannot run here; empty if they can."""
    tools = [name for name in ("unshare", "envsubst") if shutil.which(name) is None]
    if tools:
        return f"{', '.join(tools)} not here"
    probe = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    done = subprocess.run(probe, capture_output=True, env=dict(os.environ), check=False)
    return "" if done.returncode == 0 else "user and mount namespaces are not allowed here"
