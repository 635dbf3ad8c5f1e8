"""The parts of a body of the kind multipart/related (RFC 2387, RFC 2046).

Werkzeug's parser is for forms alone, whose parts have names.
"""

from collections.abc import Iterator

MAX_PARTS = 200
MAX_HEADERS = 4096
"""Bytes of the headers of one part."""

DICOM = b"application/dicom"


class MalformedBody(ValueError):
    """The body is not in the form that its content type promises."""


def split_related(body: bytes, boundary: str) -> Iterator[bytes]:
    """The contents of the parts, which must be DICOM. Raises MalformedBody."""
    if not 0 < len(boundary) <= 70 or not boundary.isascii():
        raise MalformedBody("no boundary")
    delimiter = b"\r\n--" + boundary.encode()
    # The first delimiter may stand at the beginning.
    start, *parts = (b"\r\n" + body).split(delimiter, MAX_PARTS + 1)
    del start  # a preamble means nothing
    if not parts or len(parts) > MAX_PARTS + 1 or not parts[-1].startswith(b"--"):
        raise MalformedBody("no end, or too many parts")
    for part in parts[:-1]:
        line, _, rest = part.partition(b"\r\n")
        if line.strip(b" \t"):
            raise MalformedBody("text behind a boundary")
        # A part without headers begins with the empty line that ends them.
        headers, found, content = (b"\r\n" + rest).partition(b"\r\n\r\n")
        if not found or len(headers) > MAX_HEADERS:
            raise MalformedBody("a part without end of headers")
        _check_type(headers)
        yield content


def _check_type(headers: bytes) -> None:
    for line in headers.split(b"\r\n"):
        name, _, value = line.partition(b":")
        kind = value.partition(b";")[0].strip().lower()
        if name.strip().lower() == b"content-type" and kind != DICOM:
            raise MalformedBody("a part that is no DICOM")
