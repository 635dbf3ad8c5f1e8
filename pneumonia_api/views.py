"""The HTTP API, version 1: X-rays and the model.

Sessions, readings and deletions have modules of their own.
"""

import contextlib
import threading
from typing import Any, TypedDict, cast

import redis
from apiflask import APIBlueprint, FileSchema
from flask import Response, current_app, make_response
from werkzeug.datastructures import FileStorage
from werkzeug.wsgi import FileWrapper

from model.reading.kinds import is_dicom, read_size
from model.reading.limits import UnreadableXray
from monitoring.logs.requests import note
from pneumonia_api import request_schemas, schemas, silence
from pneumonia_api.accepting import accept
from pneumonia_api.audit.requests import leave_out
from pneumonia_api.auth import bearer
from pneumonia_api.memory import MemoryBudget
from pneumonia_api.records import sent
from pneumonia_api.records.image_files import Upload
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.request import check_body, check_form, check_query
from pneumonia_api.roles import ENTITY, NODE

v1 = APIBlueprint("v1", __name__, url_prefix="/v1")
v1.before_request(check_body)
v1.before_request(check_query)

FILM_BLOCK = 256 * 1024
"""Bytes of a film that are read at a time."""


class UploadForm(TypedDict):
    """The fields of `request_schemas.UploadSchema`."""

    xray: FileStorage
    reference: str


class PageQuery(TypedDict):
    """The parameters of `request_schemas.PageQuerySchema`."""

    status: str | None
    decision: str | None
    reviewed: bool | None
    shown: str | None
    tab: str | None
    sort: str
    q: str
    cursor: str | None
    limit: int


class Page(TypedDict):
    """The content of `schemas.PageSchema`."""

    xrays: list[XrayRecord]
    counts: dict[str, int]
    cursor: str | None
    silent: bool


class EmptyUpload(ValueError):
    """The file has no bytes."""


class FileTooLarge(ValueError):
    """The file exceeds its limit, although the whole form is within that of the body."""


class UnsupportedImage(ValueError):
    """The file is in none of the accepted formats."""


class TooManyPixels(ValueError):
    """The header of the image states more pixels than the limit."""


class ModelUnknown(RuntimeError):
    """No worker has ever announced a model."""


def _xrays() -> XrayStore:
    return current_app.extensions["xrays"]


def _images() -> ImageStore:
    return current_app.extensions["images"]


def check_upload(data: bytes) -> None:
    """Refuse what cannot be an X-ray, by its header alone.

    This process never decodes an image; the worker does that in a sandboxed child process.

    Raises EmptyUpload, FileTooLarge, UnsupportedImage or TooManyPixels.
    """
    if not data:
        raise EmptyUpload
    if len(data) > current_app.config["MAX_FILE_BYTES"]:
        raise FileTooLarge
    if is_dicom(data):
        return
    try:
        width, height = read_size(data)
    except UnreadableXray as error:
        raise UnsupportedImage from error
    if width * height > current_app.config["MAX_PIXELS"]:
        raise TooManyPixels


@v1.post("/xrays")
@v1.auth_required(bearer)
@v1.input(request_schemas.WaitSchema, location="query", arg_name="query")
@v1.input(request_schemas.UploadHeadersSchema, location="headers", arg_name="headers")
@v1.input(request_schemas.UploadSchema, location="form_and_files", arg_name="form")
@v1.output(schemas.XraySchema, status_code=202)
@v1.doc(
    responses={
        200: "Done, rejected or failed; or this model has a prediction of the same bytes.",
        202: "Accepted; poll with GET.",
        413: "Larger than the limits.",
        415: "Not an accepted image format.",
        422: "Several files, an invalid value, or an idempotency key used for other bytes.",
        429: "You have as many X-rays waiting as one caller may; see Retry-After.",
        503: "Too many X-rays are waiting; see Retry-After.",
    }
)
def create_xray(
    query: dict[str, float], headers: dict[str, str | None], form: UploadForm
) -> tuple[XrayRecord, int]:
    """Upload one X-ray."""
    check_form()
    upload = cast(Upload, form["xray"].stream)  # of `ApiRequest`
    caller = str(bearer.current_user)
    key = sent.name_key(caller, headers["key"])
    source = _name_source(caller, headers["entity"])
    if upload.size > current_app.config["MAX_FILE_BYTES"]:
        raise FileTooLarge
    uploads: sent.SentUploads = current_app.extensions["sent"]
    new = uploads.find(key, upload.digest)
    if new is None:
        memory: MemoryBudget = current_app.extensions["memory"]
        with memory.hold(upload.size):
            check_upload(upload.read())
        new = accept(new_xray(source, upload.digest, form["reference"]), upload, key)
    note(xray=new.id)
    with contextlib.suppress(redis.RedisError):  # it is accepted even if waiting fails
        new = _wait(new, query["wait"])
    return new, 202 if new.status == "queued" else 200


def _name_source(caller: str, entity: str | None) -> str:
    """Who sent an X-ray: the caller, or the application entity that the DICOM node names."""
    return f"{ENTITY}{entity}" if entity and caller == NODE else caller


def _wait(xray: XrayRecord, seconds: float) -> XrayRecord:
    """The record once it is finished; unfinished after `seconds`, or if too many requests wait."""
    waiters: threading.Semaphore = current_app.extensions["waiters"]
    if not seconds or xray.status != "queued" or not waiters.acquire(blocking=False):
        return xray
    try:
        return _xrays().wait_finished(xray, seconds)
    finally:
        waiters.release()


@v1.get("/xrays/<xray_id>")
@v1.auth_required(bearer)
@v1.input(request_schemas.WaitSchema, location="query", arg_name="query")
@v1.output(schemas.XraySchema)
def read_xray_record(xray_id: str, query: dict[str, float]) -> XrayRecord:
    """One record; with `wait`, the response is held until it is finished."""
    xray = _wait(_xrays().get(xray_id), query["wait"])
    if xray.status == "queued":
        leave_out()  # whoever waits for the result asks again, and has seen nothing yet
    return xray


@v1.get("/xrays")
@v1.auth_required(bearer)
@v1.input(request_schemas.PageQuerySchema, location="query", arg_name="query")
@v1.output(schemas.PageSchema)
def list_xrays(query: PageQuery) -> Page:
    """The worklist, newest first unless `sort` asks for another order."""
    worklist: Worklist = current_app.extensions["worklist"]
    found, cursor = worklist.page(**silence.remove_revealing(query))
    counts = silence.remove_revealing_counts(worklist.count())
    return {"xrays": found, "counts": counts, "cursor": cursor, "silent": silence.is_silenced()}


@v1.get("/xrays/<xray_id>/preview")
@v1.auth_required(bearer)
@v1.output(FileSchema(), content_type="image/jpeg")
def read_preview(xray_id: str) -> Response:
    """The de-identified preview image."""
    return _answer_image(_images().read_preview(_xrays().get(xray_id).id))


@v1.get("/xrays/<xray_id>/thumbnail")
@v1.auth_required(bearer)
@v1.output(FileSchema(), content_type="image/jpeg")
def read_thumbnail(xray_id: str) -> Response:
    """The same image for a row of a list, at most 96 pixels long."""
    return _answer_image(_images().read_thumbnail(_xrays().get(xray_id).id))


def _answer_image(jpeg: bytes) -> Response:
    response = make_response(jpeg)
    response.content_type = "image/jpeg"
    # Patient images stay out of shared caches; the preview of an id never changes.
    response.cache_control.private = True
    response.cache_control.max_age = 3600
    return response


@v1.get("/xrays/<xray_id>/film")
@v1.auth_required(bearer)
@v1.output(FileSchema(), content_type="image/png")
@v1.doc(responses={404: "No such X-ray, or the site keeps no films, or it is not made yet."})
def read_film(xray_id: str) -> Response:
    """The de-identified film at its own resolution and depth: a grey PNG of 8 or 16 bits.

    Its chunk `fiLM` has the numbers that a viewer needs, deflated: JSON with the window and the
    side of a pixel in mm, a newline, and the grey of each value. It follows soon after the result.
    """
    file, size = _images().open_film(_xrays().get(xray_id).id)
    response = Response(FileWrapper(file, FILM_BLOCK), content_type="image/png")
    response.content_length = size
    # As for the preview; a film is large, so browsers need not ask again within the hour.
    response.cache_control.private = True
    response.cache_control.max_age = 3600
    response.cache_control.immutable = True
    return response


@v1.get("/model")
@v1.auth_required(bearer)
@v1.output({})
def read_model() -> dict[str, Any]:
    """The metadata of the artifact that the workers serve."""
    served: ServedModel = current_app.extensions["served_model"]
    model = served.get()
    if model is None:
        raise ModelUnknown
    return model
