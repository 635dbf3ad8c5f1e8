"""The parts' life under supervisord: started, tried again for ever, reported, ended by Ctrl-C."""

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

# A part is asked to end after the one before it has. What is left after STOP_SECONDS is killed:
# Ctrl-C may take 15 s at most, also on a busy machine.
PART_STOP_SECONDS = 3
STOP_SECONDS = 9
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ATTEMPTS = 3
"""Ends of a part, one after the other, after which a person reads of it."""

SUPERVISORD_SECONDS = 60
"""What a supervisord that is well lives for at least."""

MAX_PAUSE_SECONDS = 60


def report(sentence: str) -> None:
    """Print it for the person at the terminal, which may be a file on a disk that is full."""
    with suppress(OSError):
        print(sentence, flush=True)


class PartFailed(RuntimeError):
    """One sentence that names the part that cannot be started, and its log."""

    def __init__(self, part: str, sentence: str) -> None:
        super().__init__(sentence)
        self.part = part


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
        # Its log by a pipe as well: a full disk has no room for what it says about that. It never
        # waits for this process to read, nor ends because this one has.
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._said = os.fdopen(reader, "rb", buffering=0)
        self._process = psutil.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", "supervisord.conf"],
            cwd=self._var,
            stdin=self._lock,
            stdout=writer,
            stderr=subprocess.DEVNULL,  # tracebacks of log lines that found no room
            start_new_session=True,
        )
        os.close(writer)

    def check(self) -> None:
        """Print what happened to the parts, and start a supervisord that ended again.

        Raises PartFailed while `keep_going` was not called and a part fails at every start.
        """
        for line in self._read_lines():
            if found := re.search(r"(?:exited|spawnerr): (\w+)\b", line):
                if "; expected" not in line:
                    self._count_end(found[1])
            elif found := re.search(r"success: (\w+) entered RUNNING state", line):
                self._ends.pop(found[1], None)
                if found[1] in self._reported:
                    self._reported.remove(found[1])
                    report(f"{found[1]} is well again.")
        # poll() would free the number that names the session.
        if self._process.status() == psutil.STATUS_ZOMBIE:
            self._start_again()

    def keep_going(self) -> None:
        """From here on all parts were up once: what fails then is tried again for ever."""
        self._ready = True

    def _read_lines(self) -> list[str]:
        while said := self._said.read(65536):  # None when there is nothing yet
            self._line += said
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
        report(f"{part} keeps failing and is tried again and again; {log} says why.")

    def _start_again(self) -> None:
        log = self._var / "log" / "supervisord.log"
        if not self._ready:
            raise PartFailed("supervisord", f"supervisord ended; {log} may say why.")
        if time.monotonic() - self._since > SUPERVISORD_SECONDS:
            del self._ends["supervisord"]
        self._ends["supervisord"] += 1
        report(f"supervisord ended and all parts are started again; {log} may say why.")
        self._said.close()
        kill_session(self._process.pid)
        self._process.wait()
        time.sleep(min(self._ends["supervisord"], MAX_PAUSE_SECONDS))
        self._start()


def _configure(programs: Mapping[str, str], watchers: Mapping[str, str], root: Path) -> str:
    """The text of supervisord's configuration file."""
    launch = shlex.join([sys.executable, "-E", "-s", f"{root}/local/launch.py"])
    text = (
        "[supervisord]\nnodaemon=true\nlogfile=log/supervisord.log\n"
        "logfile_maxbytes=10MB\nlogfile_backups=3\n"
        "pidfile=supervisord.pid\n"
    )
    for priority, (name, command) in enumerate({**programs, **watchers}.items()):
        # What ends within ten seconds did not start: it is tried again one second later, the next
        # time two seconds later, and so on, for ever. nginx would drop its requests at SIGTERM.
        text += (
            f"\n[program:{name}]\ncommand={launch} {command}\ndirectory={root}\n"
            f"priority={priority}\nautorestart=true\nstartsecs=10\nstartretries=1000000\n"
            f"stopsignal={'QUIT' if name == 'nginx' else 'TERM'}\n"
            f"stopwaitsecs={PART_STOP_SECONDS}\nkillasgroup=true\n"
            f"redirect_stderr=true\nstdout_logfile=log/{name}.log\n"
            "stdout_logfile_maxbytes=10MB\nstdout_logfile_backups=3\n"
        )
    if watchers:
        text += f"\n[group:watchers]\nprograms={','.join(watchers)}\n"  # priority: the last
    return text.replace("%", "%%")


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
        end_session(child)
    # Python puts the default actions back while it ends: one signal more would be its exit code.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def end_session(leader: psutil.Process) -> None:
    """Ask the leader to end, and kill what is left of its session."""
    with suppress(psutil.NoSuchProcess):
        leader.terminate()
        with suppress(psutil.TimeoutExpired):
            leader.wait(STOP_SECONDS)
    kill_session(leader.pid)


def kill_session(session: int) -> None:
    """Kill every process in it; returns when they have ended."""
    left = []
    for pid in psutil.pids():
        with suppress(psutil.Error, OSError):  # ended meanwhile, or not ours to ask about
            if os.getsid(pid) == session:
                left.append(psutil.Process(pid))
                left[-1].kill()
    psutil.wait_procs(left, timeout=1)
