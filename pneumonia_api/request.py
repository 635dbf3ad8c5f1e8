"""Limits on the body of a request, and the errors for one that is too large or malformed."""

import json
import time
from typing import IO, Any, cast

from apiflask import HTTPError
from flask import Request, current_app, request
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import Authorization, CombinedMultiDict, MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.utils import cached_property

from pneumonia_api.records.image_files import Upload
from pneumonia_api.records.images import ImageStore
from webserver.body import TooManySenders, TooSlow

MAX_PLAIN_BYTES = 16 * 1024
"""Limit of any body that is not an upload, such as a log-in or a note."""

MAX_DRAINED_BYTES = 256 * 1024 * 1024
DRAIN_SECONDS = 10
"""How much of a refused upload is read, and for how long, before it is answered."""

FORM_BYTES = 64 * 1024
"""Limit of a form without its file: the reference and the headers of the parts."""

FILE_TOO_LARGE = (
    "too_large",
    "The file is larger than the limit; export the X-ray at a lower resolution.",
)

UPLOAD = "multipart/form-data"
RELATED = "multipart/related"
"""An upload of DICOM objects by STOW-RS."""


class SeveralFiles(RuntimeError):
    """A request has more than one file; each X-ray needs a request of its own."""


class ApiRequest(Request):
    """A request that writes its uploaded file to where the image store will keep it.

    Werkzeug would write it to the folder for temporary files: a second disk that can fill up, and
    a second place with patient data.
    """

    upload: Upload | None = None

    @cached_property
    def authorization(self) -> Authorization | None:
        """The parsed header, or None if it is malformed; for some of those Werkzeug raises."""
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
        """Discard an upload that was not kept."""
        if self.upload:
            ImageStore.discard(self.upload)


def check_body() -> None:
    """Limit a body that is not an upload, and answer 400 for JSON that the parser cannot handle."""
    if request.mimetype != UPLOAD:
        request.max_content_length = MAX_PLAIN_BYTES
    # Some clients send the content type with every request, even a GET without a body.
    if request.is_json and (request.content_length or "Transfer-Encoding" in request.headers):
        try:
            json.loads(request.get_data(), object_pairs_hook=_refuse_repeats)
        except (RecursionError, ValueError) as error:
            raise BadRequest from error


def _refuse_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is repeated")
    return found


def check_query() -> None:
    """Refuse a repeated query parameter: all its values but one would be dropped."""
    _refuse_lists(request.args)


def check_form() -> None:
    """Refuse a repeated field of a form, among texts and files together."""
    _refuse_lists(CombinedMultiDict([request.form, request.files]))


def _refuse_lists(values: MultiDict[str, Any]) -> None:
    for name, found in values.lists():
        if len(found) > 1:
            shown = f'"{name}"' if name.isidentifier() and len(name) < 32 else "each value"
            raise HTTPError(422, detail={"xray": [f"Send {shown} once."]})


def explain_too_large() -> tuple[str, str]:
    """Code and sentence for the 413 of the current request; Werkzeug raises one error for three."""
    if request.mimetype == RELATED:
        return FILE_TOO_LARGE
    if request.mimetype != UPLOAD:
        return (
            "body_too_large",
            "The body is too large; only an upload as multipart/form-data may be this large.",
        )
    limit = request.max_content_length or 0
    length = request.content_length
    if length > limit if length is not None else request.stream.tell() >= limit:
        return FILE_TOO_LARGE
    return (
        "form_too_large",
        "The form has too many fields or too much text; send the X-ray and a short reference.",
    )


def drain_body() -> None:
    """Read the rest of a refused upload, within limits, so that its sender receives the answer.

    Most servers reset the connection when the body is unread. `webserver.worker` does not: it reads
    the rest after the answer.
    """
    stream, drained, end = request.environ["wsgi.input"], 0, time.monotonic() + DRAIN_SECONDS
    try:
        while drained < MAX_DRAINED_BYTES and time.monotonic() < end:
            if not (chunk := stream.read(1 << 16)):
                return
            drained += len(chunk)
    except (ParseException, OSError, TooManySenders, TooSlow):
        return  # the connection is broken, the body malformed or too slow
