"""Debian machines that systemd-nspawn boots in the namespaces, with the rendered scripts.

A machine's disk is an overlay on the image and outlives the machine: killed and started again, it
is the same host, and a script that has succeeded does not run again.
"""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.rehearsal.image import CACHES, IMAGE, SOURCES, WORK
from tests.rehearsal.network import PREFIX, Host

HOSTS = WORK / "hosts"
CGROUPS = Path("/sys/fs/cgroup")


class Machine:
    """A host: its disk and, while it runs, its processes."""

    def __init__(self, host: Host, names: list[tuple[str, str]]) -> None:
        self.host = host
        self._folder = HOSTS / host.name
        self._process: subprocess.Popen[bytes] | None = None
        for part in ("upper", "work", "root"):
            (self._folder / part).mkdir(parents=True)
        layers = f"lowerdir={IMAGE},upperdir={self._folder}/upper,workdir={self._folder}/work"
        command = ["mount", "-t", "overlay", "overlay", "-o", layers, str(self._folder / "root")]
        subprocess.run(command, check=True)
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in names)]
        self.write("etc/hosts", "\n".join(lines) + "\n")
        self.write("etc/hostname", f"{host.name}\n")
        self.write("etc/apt/sources.list", SOURCES)
        seed = "var/lib/cloud/seed/nocloud"
        self.write(f"{seed}/user-data", host.script)
        self.write(f"{seed}/meta-data", f"instance-id: i-{host.name}\n")

    def write(self, path: str, text: str) -> None:
        """Write a file to the disk before the machine starts."""
        file = self._folder / "root" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    @property
    def console(self) -> Path:
        """The console output."""
        return self._folder / "console.log"

    def start(self) -> None:
        """Boot the machine."""
        command = ["systemd-nspawn", "--quiet", f"--directory={self._folder}/root", "--boot"]
        command += ["--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=off"]
        command += [f"--hostname={self.host.name}", f"--machine={PREFIX}{self.host.name}"]
        command += [f"--network-namespace-path=/run/netns/{PREFIX}{self.host.name}"]
        command += [f"--bind-ro={here}:{there}" for here, there in CACHES.items()]
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env={**os.environ, "SYSTEMD_NSPAWN_LOCK": "0"},
                start_new_session=True,
            )

    @property
    def is_on(self) -> bool:
        """Whether the machine is on."""
        return self._process is not None and self._process.poll() is None

    def _first_process(self) -> int:
        """The process id of the machine's systemd on this machine. Raises RuntimeError."""
        for _ in range(100):
            if self.is_on:
                assert self._process is not None
                children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
                if found := children.read_text().split():
                    return int(found[0])
            time.sleep(0.1)
        raise RuntimeError(f"{self.host.name} is off; see {self.console}.")

    def run(self, *command: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command on the machine."""
        enter = ["nsenter", f"--target={self._first_process()}"]
        enter += ["--mount", "--uts", "--ipc", "--net", "--pid"]
        done = subprocess.run(
            [*enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return done

    def wait_set_up(self, seconds: float) -> str:
        """Wait for the script; return an empty string on success, otherwise the fault."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not self.is_on:
                return "it went off"
            if (self._folder / "root/opt/pneumonia/set-up").exists():
                return ""
            time.sleep(1)
        return "its script did not succeed\n" + self.setup_log()

    def setup_log(self) -> str:
        """The end of the script's output."""
        log = self._folder / "root/var/log/pneumonia-setup.log"
        return log.read_text()[-3000:] if log.is_file() else "It printed nothing."

    def wait_off(self, seconds: float) -> bool:
        """Whether the machine powered itself off within that time."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """Kill the machine, as in a power failure."""
        assert self._process is not None
        if self.is_on:
            os.kill(self._first_process(), signal.SIGKILL)
            self._process.wait(30)

    def remove(self) -> None:
        """Kill the machine and unmount its disk."""
        if self._process is not None and self.is_on:
            self.kill()
        subprocess.run(["umount", str(self._folder / "root")], check=False, capture_output=True)


def remove_machines() -> None:
    """Remove disks of an earlier rehearsal, and empty cgroups that nspawn left."""
    for root in HOSTS.glob("*/root"):
        if root.is_mount():
            subprocess.run(["umount", "--lazy", str(root)], check=True)
    shutil.rmtree(HOSTS, ignore_errors=True)
    for left in (left for name in ("payload", "supervisor") for left in CGROUPS.glob(f"*/{name}")):
        for group in [*sorted((g for g in left.rglob("*") if g.is_dir()), reverse=True), left]:
            with suppress(OSError):  # in use by something else
                group.rmdir()
