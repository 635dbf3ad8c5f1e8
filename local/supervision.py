"""Runs the parts under supervisord: starts and restarts them, reports failures, stops them."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil

from local.parts import write_secret

# Parts are stopped one after the other. What is left after STOP_SECONDS is killed: Ctrl-C may take
# 15 s at most, also on a busy machine.
PART_STOP_SECONDS = 3
STOP_SECONDS = 9
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ATTEMPTS = 3
"""Consecutive failures of a part after which it is reported."""

SUPERVISORD_SECONDS = 60
"""A supervisord that runs longer than this counts as healthy."""

MAX_PAUSE_SECONDS = 60


def report(sentence: str) -> None:
    """Print to the terminal; ignore errors, because standard output may be on a full disk."""
    with suppress(OSError):
        print(sentence, flush=True)


class PartFailed(RuntimeError):
    """A part cannot be started; the message is one sentence that names it and its log."""

    def __init__(self, part: str, sentence: str) -> None:
        super().__init__(sentence)
        self.part = part


class Supervision:
    """supervisord and its parts, in a session of their own, by whose id they can all be found.

    Ctrl-C and a closed terminal therefore reach only the starter, which then calls `stop`.
    """

    def __init__(
        self,
        programs: Mapping[str, str],
        watchers: Mapping[str, str],
        root: Path,
        var: Path,
        lock: int,
    ) -> None:
        """Start the commands of `programs` in `root`; they are stopped in reverse order.

        `watchers` are started after them and stopped before them, all at once.

        The file descriptor `lock` becomes supervisord's standard input, which no part inherits: it
        stays locked as long as supervisord or its starter runs.
        """
        self._var = var
        self._lock = lock
        self._ready = False
        self._ends: Counter[str] = Counter()
        self._reported: set[str] = set()
        write_secret(var / "supervisord.conf", _configure(programs, watchers, root))
        self._start()

    def _start(self) -> None:
        self._line = b""
        self._since = time.monotonic()
        # supervisord also logs to a pipe, because on a full disk it cannot write that the disk is
        # full. The pipe does not block: neither process waits for the other, or dies with it.
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._output = os.fdopen(reader, "rb", buffering=0)
        self._process = psutil.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", "supervisord.conf"],
            cwd=self._var,
            stdin=self._lock,
            stdout=writer,
            stderr=subprocess.DEVNULL,  # tracebacks of failed writes to its log
            start_new_session=True,
        )
        os.close(writer)

    def check(self) -> None:
        """Report failures and recoveries of parts, and restart supervisord if it has ended.

        Raises PartFailed if a part fails at every start before `keep_going` was called.
        """
        for line in self._read_lines():
            if found := re.search(r"(?:exited|spawnerr): (\w+)\b", line):
                if "; expected" not in line:
                    self._count_end(found[1])
            elif found := re.search(r"success: (\w+) entered RUNNING state", line):
                self._ends.pop(found[1], None)
                if found[1] in self._reported:
                    self._reported.remove(found[1])
                    report(f"{found[1]} has recovered.")
        # poll() would reap the process and so release the pid that is the id of the session.
        if self._process.status() == psutil.STATUS_ZOMBIE:
            self._start_again()

    def keep_going(self) -> None:
        """Call once all parts are up: from then on a part that fails is restarted for ever."""
        self._ready = True

    def _read_lines(self) -> list[str]:
        while chunk := self._output.read(65536):  # None when there is nothing yet
            self._line += chunk
        *lines, self._line = self._line.split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def _count_end(self, part: str) -> None:
        self._ends[part] += 1
        if self._ends[part] < ATTEMPTS or part in self._reported:
            return
        log = self._var / "log" / f"{part}.log"
        if not self._ready:
            raise PartFailed(part, f"{part} fails at every start; {log} says why.")
        self._reported.add(part)
        report(f"{part} keeps failing and is restarted each time; {log} says why.")

    def _start_again(self) -> None:
        log = self._var / "log" / "supervisord.log"
        if not self._ready:
            raise PartFailed("supervisord", f"supervisord ended; {log} may say why.")
        if time.monotonic() - self._since > SUPERVISORD_SECONDS:
            del self._ends["supervisord"]
        self._ends["supervisord"] += 1
        report(f"supervisord ended, and all parts are being restarted; {log} may say why.")
        self._output.close()
        kill_session(self._process.pid)
        self._process.wait()
        time.sleep(min(self._ends["supervisord"], MAX_PAUSE_SECONDS))
        self._start()


def _configure(programs: Mapping[str, str], watchers: Mapping[str, str], root: Path) -> str:
    """The text of the configuration file of supervisord."""
    launch = shlex.join([sys.executable, "-E", "-s", f"{root}/local/launch.py"])
    text = (
        "[supervisord]\nnodaemon=true\nlogfile=log/supervisord.log\n"
        "logfile_maxbytes=10MB\nlogfile_backups=3\n"
        "pidfile=supervisord.pid\n"
    )
    for priority, (name, command) in enumerate({**programs, **watchers}.items()):
        # A part that ends within ten seconds counts as not started: it is restarted for ever, after
        # one second, then two, and so on. nginx gets SIGQUIT: at SIGTERM it drops its requests.
        text += (
            f"\n[program:{name}]\ncommand={launch} {command}\ndirectory={root}\n"
            f"priority={priority}\nautorestart=true\nstartsecs=10\nstartretries=1000000\n"
            f"stopsignal={'QUIT' if name == 'nginx' else 'TERM'}\n"
            f"stopwaitsecs={PART_STOP_SECONDS}\nkillasgroup=true\n"
            f"redirect_stderr=true\nstdout_logfile=log/{name}.log\n"
            "stdout_logfile_maxbytes=10MB\nstdout_logfile_backups=3\n"
        )
    if watchers:
        text += f"\n[group:watchers]\nprograms={','.join(watchers)}\n"  # started last
    return text.replace("%", "%%")


def handle_signals() -> None:
    """From here on Ctrl-C, SIGTERM or a closed terminal raises KeyboardInterrupt, once."""
    for number in STOP_SIGNALS:
        # A shell that starts this in the background ignores SIGINT without intent; nohup ignores
        # SIGHUP on purpose.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in STOP_SIGNALS:
        # Not SIG_IGN: Python would print a warning about a signal that is already pending.
        signal.signal(number, lambda number, frame: None)


def stop() -> None:
    """End all descendants of this process, even if they hang or have lost their parent."""
    _ignore_signals()
    for child in psutil.Process().children():
        end_session(child)
    # Python restores the default actions while it exits: another signal would change the exit code.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def end_session(leader: psutil.Process) -> None:
    """Terminate the leader of a session, then kill the rest of the session."""
    with suppress(psutil.NoSuchProcess):
        leader.terminate()
        with suppress(psutil.TimeoutExpired):
            leader.wait(STOP_SECONDS)
    kill_session(leader.pid)


def kill_session(session: int) -> None:
    """Kill every process in a session, and wait until they have ended."""
    left = []
    for pid in psutil.pids():
        with suppress(psutil.Error, OSError):  # it has ended, or is another account's
            if os.getsid(pid) == session:
                left.append(psutil.Process(pid))
                left[-1].kill()
    psutil.wait_procs(left, timeout=1)
