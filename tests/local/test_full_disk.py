"""A disk that fills up under `make run`: a real one, in a mount namespace of its own."""

import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.local.watching import answers, judge, wait_until
from tests.stack import Stack, free_ports, start_stack, stop_stack, wait_ready

DISK_MB = 340
"""A start needs 300 MB of room."""

INSIDE = [
    *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
    f'mount -t tmpfs -o size={DISK_MB}m,mode=700 tmpfs "$0" && exec "$@"',
]


@dataclass(frozen=True)
class SmallDisk:
    """A system on a disk of its own, and the lines that it prints."""

    stack: Stack
    lines: "queue.SimpleQueue[str]"

    def fill(self) -> None:
        """Leave not one byte, and stop then: the reserve is freed at any moment from now on."""
        chunk = bytes(1 << 20)
        with suppress(OSError), (self.stack.var / "filler").open("ab", buffering=0) as file:
            while file.write(chunk) == len(chunk):
                pass

    def free(self) -> None:
        """Delete what filled it."""
        (self.stack.var / "filler").unlink()

    def wait_for_line(self, words: str) -> str:
        """The first line with these words."""
        while words not in (line := self.lines.get(timeout=120)):
            pass
        return line


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A system that is ready; `stack.var` leads to its disk, which no other process sees."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare to mount a small disk")
    probe = [*INSIDE, str(tmp_path), "true"]
    if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this machine does not allow mounting")
    ports = free_ports()
    process = start_stack(tmp_path, ports, [*INSIDE, str(tmp_path)])
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        with suppress(ValueError):  # closed at the end
            for line in process.stdout:
                lines.put(line)

    try:
        assert "is ready at" in (text := wait_ready(process)), text
        threading.Thread(target=read, daemon=True).start()
        yield SmallDisk(Stack(Path(f"/proc/{process.pid}/root{tmp_path}"), ports, process), lines)
    finally:
        stop_stack(process)


def log_in(stack: Stack, password: str) -> None:
    """One write to Redis, if it has room for that."""
    with suppress(requests.RequestException):
        requests.post(
            f"{stack.api_url}/v1/sessions",
            json={"user": "doctor", "password": password},
            timeout=20,
        )


def test_full_disk_ends_nothing_for_good(small_disk: SmallDisk, samples: list[Path]) -> None:
    """The reserve gives room first; without it Redis is tried again until something is deleted.

    Ctrl-C ends all of it within 15 s all the same.
    """
    stack = small_disk.stack
    password = stack.password
    assert judge(stack, samples[0].read_bytes()) == "done"
    wait_until((stack.var / "redis" / "reserve").exists, "there is no reserve")

    small_disk.fill()
    line = small_disk.wait_for_line("disk")
    assert "is full; delete something there" in line
    assert judge(stack, samples[1].read_bytes()) == "done"

    small_disk.fill()
    ended = "redis keeps failing and is restarted each time;"
    said: list[str] = []

    def is_reported() -> bool:
        log_in(stack, password)
        with suppress(queue.Empty):
            while True:
                said.append(small_disk.lines.get_nowait())
        return any(ended in line for line in said)

    wait_until(is_reported, "Redis ended at no write")
    assert stack.process.poll() is None

    small_disk.free()
    small_disk.wait_for_line("redis has recovered.")
    wait_until(lambda: answers(stack), "the parts do not come back")
    wait_until((stack.var / "redis" / "reserve").exists, "the reserve is not filled again")
    assert judge(stack, samples[2].read_bytes()) == "done"
    page = requests.get(f"{stack.api_url}/v1/xrays", headers=stack.headers, timeout=20).json()
    assert len(page["xrays"]) == 3
    assert len([line for line in said if ended in line]) == 1

    small_disk.fill()
    small_disk.wait_for_line("is full")
    small_disk.fill()
    log_in(stack, password)
    stop_stack(stack.process)
    assert stack.process.returncode == 0
