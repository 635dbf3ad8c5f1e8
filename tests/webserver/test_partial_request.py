"""`webserver.request`: when a thread may start on a request."""

import pytest

from webserver.request import MAX_HEAD_BYTES, MAX_SMALL_BODY, PartialRequest

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


def feed(text: bytes, step: int) -> PartialRequest:
    """A request that comes `step` bytes at a time, and is not complete before its end."""
    request = PartialRequest()
    for start in range(0, len(text), step):
        assert not request.is_complete(), text[:start]
        request.add(text[start : start + step])
    return request


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    "text",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        POST + b"Content-Length: 5\r\n\r\nabcde",
        POST + b"content-LENGTH:   5  \r\n\r\n\r\n\r\n ",
        POST + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5\r\n\r\n",
        POST + b"Content-Length: %d\r\n\r\n" % (MAX_SMALL_BODY + 1),
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nTrailer: x\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_request_is_complete_with_its_last_byte(text: bytes, step: int) -> None:
    """Not earlier, however it is split; of a large body or a form with files the head is enough."""
    assert feed(text, step).is_complete()


def test_large_chunked_body_is_for_a_thread() -> None:
    """From 64 KB on it is an upload."""
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    request = feed(head + b"fffff\r\n" + bytes(MAX_SMALL_BODY - 10), 5000)
    assert not request.is_complete()
    request.add(bytes(100))
    assert request.is_complete()


def test_head_without_end_is_too_large() -> None:
    """64 KB of header lines."""
    request = feed(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (MAX_HEAD_BYTES // 6), 5000)
    assert request.is_too_large


def test_client_that_waits_for_the_word_is_known() -> None:
    """Once the head is there."""
    request = feed(POST + b"Expect: 100-Continue\r\nContent-Length: 9\r\n\r\n", 7)
    assert request.expects_continue
    assert not request.is_complete()
