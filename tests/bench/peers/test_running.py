"""Services as process trees: started, asked, weighed and stopped, with small real processes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.peers.protocols import FORM
from tests.bench.peers.running import DidNotStart, Running, running_peer

WARM_UP_SECONDS = 0.3

SERVICE = f"""
import json, os, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        ready = time.monotonic() > started + {WARM_UP_SECONDS}
        text = json.dumps({{"probability": 0.5}} if ready else {{"error": "loading"}}).encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

started = time.monotonic()
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", stubborn])
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@contextmanager
def running(source: str, log: Path) -> Iterator[Running]:
    """A service whose program is `source`."""

    def make_command(port: int) -> list[str]:
        return [sys.executable, "-c", source, str(port)]

    with running_peer(make_command, {}, "/predict", FORM, b"\xff\xd8", log) as service:
        yield service


def test_cold_start_ends_with_the_first_right_answer(tmp_path: Path) -> None:
    """Neither a listening socket nor an error is an answer."""
    with running(SERVICE, tmp_path / "log") as service:
        assert service.cold_start > WARM_UP_SECONDS


def test_memory_and_time_are_those_of_the_whole_tree(tmp_path: Path) -> None:
    """The children count: most services work in them."""
    with running(SERVICE, tmp_path / "log") as service:
        root, child = service.processes()
        own = root.memory_full_info().pss / 1e6
        assert service.memory_mb() > own
        assert child.ppid() == root.pid
        assert service.cpu_seconds() > 0


def test_nothing_outlives_the_block(tmp_path: Path) -> None:
    """A child that ignores SIGTERM would load the processors of the next service."""
    with running(SERVICE, tmp_path / "log") as service:
        processes = service.processes()
    assert not [one for one in processes if one.is_running()]


def test_a_service_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    """The bench does not wait for what cannot come."""
    with (
        pytest.raises(DidNotStart, match=r"(?s)ended with 3.*no such model"),
        running("import sys; print('no such model'); sys.exit(3)", tmp_path / "log"),
    ):
        pass
