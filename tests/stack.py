"""The whole system, started by the script of `make run`, on free ports in its own folder."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from local.environment import clean_environment
from local.watchers import PORTS as MONITORING_PORTS
from run import PORTS

ROOT = Path(__file__).resolve().parents[1]

# The tests' own clients reach loopback past the proxy of the machine that they run on.
os.environ.update({name: clean_environment(os.environ)[name] for name in ("no_proxy", "NO_PROXY")})


@dataclass(frozen=True)
class Stack:
    """A running system: addresses, the first user and the key for machines."""

    var: Path
    ports: dict[str, int]
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        """Where the browser goes."""
        return f"http://127.0.0.1:{self.ports['PORT']}"

    @property
    def api_url(self) -> str:
        """Where machines go."""
        return f"http://127.0.0.1:{self.ports['API_PORT']}"

    @property
    def api_key(self) -> str:
        """The key for machines."""
        return (self.var / "api-key").read_text()

    @property
    def headers(self) -> dict[str, str]:
        """What a machine sends with each call."""
        return {"Authorization": f"Bearer {self.api_key}"}

    @property
    def user(self) -> str:
        """The first user's name."""
        return (self.var / "first-user").read_text().split()[0]

    @property
    def password(self) -> str:
        """The first user's password."""
        return (self.var / "first-user").read_text().split()[1]


PORT_RANGE = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections, of which any could get a port between the
moment it was found free and that of its use."""


def free_ports(names: Iterable[str] = PORTS) -> dict[str, int]:
    """A free port for each of the system's listeners."""
    with ExitStack() as held:
        return {name: _bind_any(held.enter_context(socket.socket())) for name in names}


def _bind_any(probe: socket.socket) -> int:
    for _ in range(100):
        with suppress(OSError):  # in use
            probe.bind(("127.0.0.1", SystemRandom().choice(PORT_RANGE)))
            return int(probe.getsockname()[1])
    raise OSError(f"no free port found in {PORT_RANGE}")


def start_stack(
    var: Path, ports: dict[str, int], inside: Sequence[str] = (), **settings: str
) -> subprocess.Popen[str]:
    """Start `run.py` as a process group of its own, as a terminal would.

    `inside` is a command that runs the one after it, such as `unshare --mount`.
    """
    environment = {**os.environ, "VAR_DIR": str(var), **settings}
    # The serving export is derived from the artifact: made once, shared by every folder.
    environment.setdefault("SERVING_DIR", str(ROOT / "var" / "serving"))
    environment |= {name: str(port) for name, port in ports.items()}
    return subprocess.Popen(
        [*inside, sys.executable, "-E", "-s", "run.py"],  # as the Makefile does
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_ready(process: subprocess.Popen[str], line_with: str = "Ctrl-C") -> str:
    """What it printed up to the last line of its greeting, or all of it if it ended."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line_with in line:
            break
    return text


def stop_stack(process: subprocess.Popen[str]) -> None:
    """Ctrl-C: SIGINT to the whole group; returns when all of it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    process.wait(15)
    assert process.stdout is not None
    process.stdout.close()


@contextmanager
def running_stack(var: Path, inside: Sequence[str] = (), **settings: str) -> Iterator[Stack]:
    """A system that is ready, ended when the block is left."""
    ports = free_ports([*PORTS, *(MONITORING_PORTS if "MONITORING" in settings else ())])
    process = start_stack(var, ports, inside, **settings)
    try:
        greeting = wait_ready(process)
        assert "is ready at" in greeting, greeting
        yield Stack(var, ports, process)
    finally:
        stop_stack(process)
