"""A request: what its body may be, and what is told when it is larger or cannot be read."""

import io
from typing import IO

from flask import Request, request
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import Authorization
from werkzeug.exceptions import BadRequest
from werkzeug.utils import cached_property

MAX_PLAIN_BYTES = 16 * 1024
"""Limit of any body but an upload: a log-in or a note; far below what chokes the JSON parser."""

MAX_DRAINED_BYTES = 256 * 1024 * 1024
"""How much of a refused body is read, so that its sender hears the answer, before it is cut off."""

FORM_BYTES = 64 * 1024
"""What the form around a file may take: the reference and the parts' headers."""

FILE_TOO_LARGE = ("too_large", "The file is larger than the limit; export the X-ray smaller.")

UPLOAD = "multipart/form-data"


class ApiRequest(Request):
    """A request whose uploaded file stays in memory, where it is read to in any case.

    Werkzeug would write it to the folder for temporary files: a second disk that can be full, and
    a second place with a patient's picture.
    """

    @cached_property
    def authorization(self) -> Authorization | None:
        """What the header says, or None when it makes no sense; Werkzeug raises for some of it."""
        try:
            return super().authorization
        except ValueError:
            return None

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        del total_content_length, content_type, filename, content_length
        return io.BytesIO()


def check_body() -> None:
    """Limit what is no upload, and refuse JSON that chokes the parser like any other bad JSON."""
    if request.mimetype != UPLOAD:
        request.max_content_length = MAX_PLAIN_BYTES
    # Clients that always send the header, also with a GET, mean nothing by it without a body.
    if request.is_json and (request.content_length or "Transfer-Encoding" in request.headers):
        try:
            request.get_json()
        except (RecursionError, ValueError) as error:
            raise BadRequest from error


def explain_too_large() -> tuple[str, str]:
    """Code and sentence for the 413 of the current request: Werkzeug has one error for three."""
    if request.mimetype != UPLOAD:
        return "body_too_large", "Only an upload as multipart/form-data may be this large."
    limit = request.max_content_length or 0
    length = request.content_length
    if length > limit if length is not None else request.stream.tell() >= limit:
        return FILE_TOO_LARGE
    return (
        "form_too_large",
        "The form has too many fields or too long a text; send the X-ray and a short reference.",
    )


def drain_body() -> None:
    """Read what the sender still sends: closing at once would reset it before it hears the 413."""
    stream, drained = request.environ["wsgi.input"], 0
    try:
        while drained < MAX_DRAINED_BYTES and (chunk := stream.read(1 << 20)):
            drained += len(chunk)
    except (ParseException, OSError):
        return  # broken off or malformed: nothing more to read
