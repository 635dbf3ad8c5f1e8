"""The closed loop against a real server on loopback, which counts what it sees."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bench.images import Images
from tests.bench.peers.closed_loop import Load, Reply, run_load
from tests.bench.peers.expected import Expected, squash_logit
from tests.bench.peers.protocols import FORM

EXPECTED = Expected([0.0, 2.0], scale=1.0, offset=0.5)
ANSWER_SECONDS = 0.02


class Seen:
    """What the server saw, and what it does with upload number n."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at_once = self.most_at_once = self.connections = 0
        self.numbers: list[int] = []
        self.fail_at: int | None = None
        self.lie_at: int | None = None
        self.cut_at: int | None = None


def make_handler(seen: Seen) -> type[BaseHTTPRequestHandler]:
    """A handler that answers the right probability of each file."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            with seen.lock:
                seen.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            number = int(body.split(b"\xff\xfe\x00\x0e")[1][:12])
            with seen.lock:
                seen.at_once += 1
                seen.most_at_once = max(seen.most_at_once, seen.at_once)
                seen.numbers.append(number)
            time.sleep(ANSWER_SECONDS)
            with seen.lock:
                seen.at_once -= 1
            if number == seen.cut_at:
                self.close_connection = True
                return
            logit = EXPECTED.logits[number % 2] + (0.5 if number == seen.lie_at else 0.05)
            text = json.dumps({"probability": squash_logit(logit + EXPECTED.offset)}).encode()
            self.send_response(500 if number == seen.fail_at else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


@pytest.fixture
def seen() -> Seen:
    """Of one test."""
    return Seen()


@pytest.fixture
def port(seen: Seen) -> Iterator[int]:
    """Of a server that runs for one test."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(seen))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def images(tmp_path: Path) -> Images:
    """Two files; the server looks at the comment alone."""
    for name in ("a.jpg", "b.jpeg"):
        (tmp_path / name).write_bytes(b"\xff\xd8" + name.encode())
    return Images(tmp_path)


def send(port: int, images: Images, clients: int, least: int, seconds: float = 0.0) -> Reply:
    """One load that begins with number 100."""
    return run_load(
        Load(port, "/predict", "", FORM, clients, seconds, least, 100), images, EXPECTED
    )


def test_as_many_requests_as_clients_are_under_way(port: int, seen: Seen, images: Images) -> None:
    """Each client waits for its answer; together they keep the server at their number."""
    reply = send(port, images, clients=3, least=30)
    assert seen.most_at_once == 3
    assert reply.sent == len(reply.seconds) == 30
    assert reply.elapsed >= 10 * ANSWER_SECONDS


def test_each_client_keeps_its_connection(port: int, seen: Seen, images: Images) -> None:
    """A new connection for each request would be measured as the service's time."""
    send(port, images, clients=3, least=30)
    assert seen.connections == 3


def test_no_two_uploads_are_the_same(port: int, seen: Seen, images: Images) -> None:
    """The numbers of all clients are distinct and without a gap."""
    send(port, images, clients=3, least=30)
    assert sorted(seen.numbers) == list(range(100, 130))


def test_it_goes_on_for_the_time_asked_for(port: int, images: Images) -> None:
    """The least number is a least: a fast service answers more in the time."""
    reply = send(port, images, clients=1, least=1, seconds=0.3)
    assert reply.sent > 1
    assert reply.elapsed >= 0.3


def test_seconds_are_those_of_the_answers(port: int, images: Images) -> None:
    """No answer is faster than the server, and they do not overlap in one client."""
    reply = send(port, images, clients=1, least=10)
    assert min(reply.seconds) >= ANSWER_SECONDS
    assert sum(reply.seconds) <= reply.elapsed


def test_a_wrong_probability_is_no_answer(port: int, seen: Seen, images: Images) -> None:
    """0.05 from the float32 logit is right, 0.5 is wrong, and its time does not count."""
    seen.lie_at = 104
    reply = send(port, images, clients=2, least=10)
    assert reply.wrong == 1
    assert len(reply.seconds) == 9
    assert reply.errors == {}


def test_errors_are_counted_by_kind_and_the_load_goes_on(
    port: int, seen: Seen, images: Images
) -> None:
    """A 500 and a connection that is cut are errors; the client sends its next X-ray."""
    seen.fail_at, seen.cut_at = 103, 106
    reply = send(port, images, clients=2, least=12)
    assert reply.errors == {"500": 1, "RemoteDisconnected": 1}
    assert reply.sent == 12
    assert len(reply.seconds) == 10
