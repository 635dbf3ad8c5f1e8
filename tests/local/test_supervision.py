"""`local.supervision`, `local.launch` and `local.lock`, with parts that only sleep."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.local.watching import is_running, wait_until
from tests.stack import ROOT

LEAVES_ONE = "/bin/sh -c 'sleep 4711 & exec sleep 4712'"


@contextmanager
def starting(var: Path, command: str) -> Iterator[subprocess.Popen[str]]:
    """A starter whose only part runs `command`; Ctrl-C at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.local.starter", str(var), command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    with process.stdout:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(15)


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """The first line with these words."""
    assert process.stdout
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended and never said {words}")


def find(starter: subprocess.Popen[str], word: str) -> psutil.Process:
    """The one process below the starter whose command has the word."""

    found: list[psutil.Process] = []

    def look() -> bool:
        for child in psutil.Process(starter.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # ended meanwhile
                if word in child.cmdline():
                    found.append(child)
        return bool(found)

    wait_until(look, f"no {word} is started")
    [process] = found
    return process


def be_ready(starter: subprocess.Popen[str], var: Path) -> None:
    """Wait until the part has been up once."""
    find(starter, "4712")
    (var / "up").touch()
    wait_for(starter, "ready")


def gone(*processes: psutil.Process) -> Callable[[], bool]:
    """Whether none of them runs."""
    return lambda: not any(map(is_running, processes))


def test_what_a_killed_part_left_is_ended_before_it_starts_again(tmp_path: Path) -> None:
    """The new process has an orphan of its own, and that of the old one is gone."""
    with starting(tmp_path, LEAVES_ONE) as starter:
        be_ready(starter, tmp_path)
        first, left = find(starter, "4712"), find(starter, "4711")
        first.kill()
        wait_until(gone(first, left), "the leftover outlives its part")
        again = find(starter, "4712"), find(starter, "4711")
    assert starter.returncode == 0
    assert gone(*again)()


def test_supervisord_that_is_killed_is_started_again(tmp_path: Path) -> None:
    """With all parts, after the old ones have ended."""
    with starting(tmp_path, LEAVES_ONE) as starter:
        be_ready(starter, tmp_path)
        before = find(starter, "4712"), find(starter, "4711")
        find(starter, "supervisor.supervisord").kill()
        assert wait_for(starter, "supervisord").startswith("supervisord ended, and all parts")
        wait_until(gone(*before), "parts outlive their supervisord")
        again = find(starter, "4712"), find(starter, "4711")
    assert starter.returncode == 0
    assert gone(*again)()


def test_part_that_never_comes_up_ends_the_start(tmp_path: Path) -> None:
    """With one sentence that names its log."""
    with starting(tmp_path, "/bin/sh -c 'exit 1'") as starter:
        log = tmp_path / "log" / "sleeper.log"
        assert wait_for(starter, "fails") == f"sleeper fails at every start; {log} says why.\n"
        assert starter.wait(15) == 1


def test_part_that_was_up_is_tried_again_for_ever(tmp_path: Path) -> None:
    """One sentence when it keeps failing, one when it has recovered."""
    command = f"/bin/sh -c 'test ! -e {tmp_path}/full && exec sleep 4712'"
    with starting(tmp_path, command) as starter:
        be_ready(starter, tmp_path)
        (tmp_path / "full").touch()
        find(starter, "4712").kill()
        wait_for(starter, "sleeper keeps failing and is restarted each time;")
        (tmp_path / "full").unlink()
        assert wait_for(starter, "sleeper") == "sleeper has recovered.\n"
    assert starter.returncode == 0


def test_next_start_ends_what_a_killed_starter_left(tmp_path: Path) -> None:
    """Whether supervisord lives or was killed, too; a live starter is never ended."""
    for with_supervisord in (False, True):
        with starting(tmp_path, LEAVES_ONE) as starter:
            be_ready(starter, tmp_path)
            left = find(starter, "4712"), find(starter, "4711")
            with starting(tmp_path, LEAVES_ONE) as refused:
                refused.wait(15)
            assert refused.returncode == 1
            assert not gone(*left)()
            supervisord = find(starter, "supervisor.supervisord")
            starter.kill()
            starter.wait()
            if with_supervisord:
                supervisord.kill()
            time.sleep(0.5)
            assert not gone(*left)()
            with starting(tmp_path, LEAVES_ONE) as again:
                be_ready(again, tmp_path)
                assert gone(supervisord, *left)()


def test_sentence_that_finds_no_room_ends_nothing() -> None:
    """The terminal may be a file on the disk that is full."""
    code = (
        "import sys; from local.supervision import report; report('full'); "
        "print('on', file=sys.stderr)"
    )
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.stderr.startswith("on\n")
