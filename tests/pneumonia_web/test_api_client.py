"""The client of the API keeps connections open, and the API may close them at any time."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pneumonia_web.api_client import ApiClient, ApiError

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
BODY = b'{"version":"m"}'


@contextmanager
def closing_server(answers: int) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers once on each connection, and closes it when the next request comes.

    From the connection number `answers` on it closes at once.
    """
    listener, seen = socket.create_server(("127.0.0.1", 0)), list[bytes]()

    def serve() -> None:
        for number in range(10):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            with connection:
                if request := connection.recv(65536):
                    seen.append(request.split(b" ")[0])
                if number < answers:
                    connection.sendall(ANSWER + BODY)
                    if request := connection.recv(65536):
                        seen.append(request.split(b" ")[0])

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen


def test_question_is_asked_again_on_a_new_connection() -> None:
    """The person sees no error because a pooled connection was stale."""
    with closing_server(answers=3) as (url, seen):
        client = ApiClient(url, "")
        for _ in range(2):
            assert client.read_model("token") == {"version": "m"}
        client.close()
    assert seen == [b"GET"] * 3


def test_question_is_asked_twice_at_most() -> None:
    """A service that is away is said so, at once."""
    with closing_server(answers=0) as (url, seen):
        client = ApiClient(url, "")
        with pytest.raises(ApiError, match="not responding"):
            client.read_model("token")
        client.close()
    assert seen == [b"GET"] * 2


def test_what_changes_something_is_sent_once() -> None:
    """It may have arrived."""
    with closing_server(answers=0) as (url, seen):
        client = ApiClient(url, "")
        with pytest.raises(ApiError, match="not responding"):
            client.delete("token", "x")
        client.close()
    assert seen == [b"DELETE"]
