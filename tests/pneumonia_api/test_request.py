"""`pneumonia_api.request`: what may be sent, and the errors for what may not."""

import io
import socket

import pytest
import requests
from apiflask import APIFlask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.pneumonia_api.errors import check_error
from tests.stack import Stack


def test_body_over_the_limit_is_drained_then_refused(
    app: APIFlask, headers: dict[str, str]
) -> None:
    """30 MB: 413 in the one error shape, after the last byte was read."""
    body = io.BytesIO(b"\xff" * 30 * 1024 * 1024)
    response = app.test_client().post(
        "/v1/xrays",
        input_stream=body,
        content_length=len(body.getvalue()),
        content_type="multipart/form-data; boundary=b",
        headers=headers,
    )
    check_error(response, 413, "too_large")
    assert body.read() == b""


def test_body_over_the_limit_is_refused_and_its_sender_hears_it(stack: Stack) -> None:
    """30 MB: 413 in the one error shape; the connection is not reset during the upload."""
    answer = requests.post(
        f"{stack.api_url}/v1/xrays",
        data=b"\xff" * 30 * 1024 * 1024,
        headers={**stack.headers, "Content-Type": "multipart/form-data; boundary=b"},
        timeout=20,
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b"[" * 15_000, 400, "bad_request"),
        (b"[" * 100_000, 413, "body_too_large"),
        (b'{"user": ' + b"9" * 5000 + b"}", 400, "bad_request"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b'{"user": "\\ud800", "password": "x"}', 422, "invalid_request"),
        (b'{"user": "a", "password": "x\\ud800"}', 422, "invalid_request"),
        (b'{"user": {"a": 1}, "password": ["b"]}', 422, "invalid_request"),
    ],
)
def test_hostile_json_is_refused(app: APIFlask, body: bytes, status: int, code: str) -> None:
    """Endless nesting, endless digits and lone surrogates are a 400, not a 500."""
    web = app.test_client()
    check_error(web.post("/v1/sessions", data=body, content_type="application/json"), status, code)


def test_json_header_without_a_body_means_nothing(app: APIFlask, headers: dict[str, str]) -> None:
    """Some clients send it with every call."""
    web = app.test_client()
    plain = {**headers, "Content-Type": "application/json"}
    assert web.get("/v1/xrays", headers=plain).status_code == 200
    check_error(web.delete("/v1/xrays/none", headers=plain), 404, "no_such_xray")
    check_error(web.post("/v1/sessions", headers=plain), 422, "invalid_request")


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/xrays"])
def test_only_an_upload_may_be_large(
    app: APIFlask, headers: dict[str, str], path: str, kind: str
) -> None:
    """Any other body of 17 KB is refused, and the sentence says why."""
    body = b'"' + b"x" * 17_000 + b'"'
    answer = app.test_client().post(path, data=body, content_type=kind, headers=headers)
    if (path, kind) == ("/v1/sessions", "application/x-www-form-urlencoded"):
        check_error(answer, 422, "invalid_request")  # it is never read
        return
    check_error(answer, 413, "body_too_large")
    assert "multipart/form-data" in answer.json["error"]["message"]


def test_limit_is_that_of_the_file_not_of_the_form(app: APIFlask, headers: dict[str, str]) -> None:
    """A file of exactly the limit is accepted whatever the form adds; one more byte is refused."""
    limit = app.config["MAX_FILE_BYTES"]
    for size, status, code in (
        (limit, 415, "unsupported_image"),
        (limit + 1, 413, "too_large"),
    ):
        boundary, body = encode_multipart({"xray": FileStorage(io.BytesIO(b"x" * size), "x.jpg")})
        answer = app.test_client().post(
            "/v1/xrays",
            data=body,
            content_type=f"multipart/form-data; boundary={boundary}",
            headers=headers,
        )
        check_error(answer, status, code)


@pytest.mark.parametrize(
    "form",
    [
        {f"field{number}": "x" for number in range(1500)},
        {"reference": "x" * 600_000},
    ],
)
def test_form_that_is_too_large_is_not_called_a_file(
    app: APIFlask, headers: dict[str, str], form: dict[str, str]
) -> None:
    """Too many fields, or a text that is too long for a reference."""
    boundary, body = encode_multipart({**form, "xray": (io.BytesIO(b"x"), "a")})
    answer = app.test_client().post(
        "/v1/xrays",
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
        headers=headers,
    )
    check_error(answer, 413, "form_too_large")
    assert "reference" in answer.json["error"]["message"]


def send_chunked(stack: Stack, path: str, kind: str, body: bytes) -> bytes:
    """The answer to a chunked body that is sent as it is, chunk sizes included."""
    host, port = stack.api_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 20) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n"
            f"Authorization: Bearer {stack.api_key}\r\nConnection: close\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
            + body
        )
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while received := connection.recv(65536):
            answer += received
    return answer


FORM = "multipart/form-data; boundary=b"


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/xrays"])
@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-5\r\n{}\r\n0\r\n\r\n",
        b"5\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}XX0\r\n\r\n",
        b"2;a=\r\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n0\r\nbad trailer\r\n\r\n",
        b"2\r\n{}",
        b"",
    ],
)
def test_malformed_chunks_are_a_bad_request(stack: Stack, path: str, body: bytes) -> None:
    """400 in the one error shape, wherever the body is read."""
    kind = "application/json" if path == "/v1/sessions" else FORM
    answer = send_chunked(stack, path, kind, body)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b'"code":"bad_request"' in answer


def test_chunked_bodies_have_the_limits_of_others(stack: Stack) -> None:
    """Chunked, without a Content-Length: 26 MB of file, 17 KB of log-in, 2,000 fields."""

    def chunk(data: bytes) -> bytes:
        return b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)

    part = b'--b\r\nContent-Disposition: form-data; name="xray"; filename="a"\r\n\r\n'
    answer = send_chunked(stack, "/v1/xrays", FORM, chunk(part + bytes(26 * 1024 * 1024)))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"too_large"' in answer
    fields = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 2000 + b"--b--"
    assert b'"code":"form_too_large"' in send_chunked(stack, "/v1/xrays", FORM, chunk(fields))
    # Werkzeug cuts this one off at the limit, and what is left is no JSON.
    large = chunk(b'"' + b"x" * 17_000 + b'"')
    answer = send_chunked(stack, "/v1/sessions", "application/json", large)
    assert b'"code":"bad_request"' in answer


@pytest.mark.parametrize("host", ["a" * 64, "a b", "[::1", "a/b", "a@b", "\xe9"])
def test_host_that_is_none_is_refused(app: APIFlask, host: str) -> None:
    """Routing fails for some of these: 400, and no unhandled error in the log."""
    answer = app.test_client().get("/livez", headers={"Host": host})
    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["api.inside:5000", "127.0.0.1:5000", "[::1]:80", "my_host", "a."])
def test_hosts_that_there_are_pass(app: APIFlask, host: str) -> None:
    """Names, addresses and ports."""
    assert app.test_client().get("/livez", headers={"Host": host}).status_code == 200


def test_no_header_moves_the_paths(stack: Stack) -> None:
    """gunicorn would accept these two from a proxy on this machine."""
    for name in ("SCRIPT_NAME", "PATH_INFO"):
        answer = requests.get(f"{stack.api_url}/livez", headers={name: "/other"}, timeout=5)
        assert answer.json() == {"status": "alive"}
