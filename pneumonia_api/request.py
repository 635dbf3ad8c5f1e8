"""A request: what its body may be, and what is told when it is larger or cannot be read."""

import json
import time
from typing import IO, Any, cast

from apiflask import HTTPError
from flask import Request, current_app, request
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import Authorization, CombinedMultiDict, MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.utils import cached_property

from pneumonia_api.records.images import ImageStore, Upload
from webserver.body import TooManySenders, TooSlow

MAX_PLAIN_BYTES = 16 * 1024
"""Limit of any body but an upload: a log-in or a note; far below what chokes the JSON parser."""

MAX_DRAINED_BYTES = 256 * 1024 * 1024
DRAIN_SECONDS = 10
"""How much of a refused upload is read, and how long, before it is answered."""

FORM_BYTES = 64 * 1024
"""What the form around a file may take: the reference and the parts' headers."""

FILE_TOO_LARGE = ("too_large", "The file is larger than the limit; export the X-ray smaller.")

UPLOAD = "multipart/form-data"


class SeveralFiles(RuntimeError):
    """One request has more than one file; each X-ray has a record, and an answer, of its own."""


class ApiRequest(Request):
    """A request whose uploaded file is written to where the image store will keep it.

    Werkzeug would write it to the folder for temporary files: a second disk that can be full, and
    a second place with a patient's picture.
    """

    upload: Upload | None = None

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
        if self.upload:
            raise SeveralFiles
        images: ImageStore = current_app.extensions["images"]
        self.upload = images.receive(current_app.config["MAX_FILE_BYTES"])
        return cast(IO[bytes], self.upload)

    def close(self) -> None:
        """Leave nothing of an upload that was not kept."""
        if self.upload:
            ImageStore.discard(self.upload)


def check_body() -> None:
    """Limit what is no upload, and refuse JSON that chokes the parser like any other bad JSON."""
    if request.mimetype != UPLOAD:
        request.max_content_length = MAX_PLAIN_BYTES
    # Clients that always send the header, also with a GET, mean nothing by it without a body.
    if request.is_json and (request.content_length or "Transfer-Encoding" in request.headers):
        try:
            json.loads(request.get_data(), object_pairs_hook=_refuse_repeats)
        except (RecursionError, ValueError) as error:
            raise BadRequest from error


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def check_query() -> None:
    """Refuse a parameter that is there twice: one of its values would be dropped."""
    _refuse_lists(request.args)


def check_form() -> None:
    """The same for the fields of a form, texts and files together."""
    _refuse_lists(CombinedMultiDict([request.form, request.files]))


def _refuse_lists(values: MultiDict[str, Any]) -> None:
    for name, found in values.lists():
        if len(found) > 1:
            shown = f'"{name}"' if name.isidentifier() and len(name) < 32 else "each value"
            raise HTTPError(422, detail={"xray": [f"Send {shown} once."]})


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
    """Read on for a while after an upload was refused, for a server that would reset its sender.

    That is any but `webserver.worker`, which reads on by itself after the answer.
    """
    stream, drained, end = request.environ["wsgi.input"], 0, time.monotonic() + DRAIN_SECONDS
    try:
        while drained < MAX_DRAINED_BYTES and time.monotonic() < end:
            if not (chunk := stream.read(1 << 16)):
                return
            drained += len(chunk)
    except (ParseException, OSError, TooManySenders, TooSlow):
        return  # broken off, malformed or too slow: nothing more to read
