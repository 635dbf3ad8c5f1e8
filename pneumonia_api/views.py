"""The HTTP API, version 1: X-rays and the model. Sessions are in `pneumonia_api.sessions`."""

import contextlib
import threading
from datetime import UTC, datetime
from typing import Any

import redis
from apiflask import APIBlueprint, FileSchema
from flask import Response, current_app, make_response

from model.reading.kinds import is_dicom, read_size
from model.reading.limits import UnreadableXray
from monitoring.logs.requests import note
from pneumonia_api import schemas
from pneumonia_api.accepting import accept, forget_images
from pneumonia_api.auth import bearer
from pneumonia_api.memory import MemoryBudget
from pneumonia_api.records import sent
from pneumonia_api.records.images import ImageStore, Upload
from pneumonia_api.records.reviews import Reviews
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayRecord, XrayStore, new_xray
from pneumonia_api.request import check_body, check_form, check_query

v1 = APIBlueprint("v1", __name__, url_prefix="/v1")
v1.before_request(check_body)
v1.before_request(check_query)


class EmptyUpload(ValueError):
    """The file has no bytes."""


class FileTooLarge(ValueError):
    """The file alone is above the limit, though the form around it was within its own."""


class UnsupportedImage(ValueError):
    """The bytes are of no kind that is accepted."""


class TooManyPixels(ValueError):
    """The image's header tells of more pixels than the limit."""


class ModelUnknown(RuntimeError):
    """No worker has ever announced a model."""


def _xrays() -> XrayStore:
    return current_app.extensions["xrays"]


def _images() -> ImageStore:
    return current_app.extensions["images"]


def check_upload(data: bytes) -> None:
    """Refuse at once what cannot be an X-ray, by its header alone.

    No decoder ever sees the bytes in this process: that is the part of the worker's cage.

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
@v1.input(schemas.WaitSchema, location="query", arg_name="query")
@v1.input(schemas.UploadHeadersSchema, location="headers", arg_name="headers")
@v1.input(schemas.UploadSchema, location="form_and_files", arg_name="form")
@v1.output(schemas.XraySchema, status_code=202)
@v1.doc(
    responses={
        200: "Done, rejected or failed; or identical bytes were judged by this model before.",
        202: "Accepted; ask again with GET.",
        413: "Larger than the limits.",
        415: "Not a kind of image that is accepted.",
        422: "Several files, a value that is no such value, or an idempotency key of other bytes.",
        429: "You have your share of X-rays waiting; Retry-After says when to come back.",
        503: "Too many X-rays are waiting; Retry-After says when to come back.",
    }
)
def create_xray(
    query: dict[str, Any], headers: dict[str, Any], form: dict[str, Any]
) -> tuple[XrayRecord, int]:
    """Upload one X-ray."""
    check_form()
    upload: Upload = form["xray"].stream
    caller = str(bearer.current_user)
    key = sent.name_key(caller, headers["key"])
    if upload.size > current_app.config["MAX_FILE_BYTES"]:
        raise FileTooLarge
    uploads: sent.SentUploads = current_app.extensions["sent"]
    new = uploads.find(key, upload.digest)
    if new is None:
        memory: MemoryBudget = current_app.extensions["memory"]
        with memory.hold(upload.size):
            check_upload(upload.read())
        new = accept(new_xray(caller, upload.digest, form["reference"]), upload, key)
    note(xray=new.id)
    with contextlib.suppress(redis.RedisError):  # accepted all the same
        new = _wait(new, query["wait"])
    return new, 202 if new.status == "queued" else 200


def _wait(xray: XrayRecord, seconds: float) -> XrayRecord:
    """The record when it is finished, or as it is after `seconds`, or when too many wait."""
    waiters: threading.Semaphore = current_app.extensions["waiters"]
    if not seconds or xray.status != "queued" or not waiters.acquire(blocking=False):
        return xray
    try:
        return _xrays().wait_finished(xray.id, seconds)
    finally:
        waiters.release()


@v1.get("/xrays/<xray_id>")
@v1.auth_required(bearer)
@v1.input(schemas.WaitSchema, location="query", arg_name="query")
@v1.output(schemas.XraySchema)
def read_xray_record(xray_id: str, query: dict[str, Any]) -> XrayRecord:
    """One record; with `wait`, held until it is finished."""
    return _wait(_xrays().get(xray_id), query["wait"])


@v1.get("/xrays")
@v1.auth_required(bearer)
@v1.input(schemas.PageQuerySchema, location="query", arg_name="query")
@v1.output(schemas.PageSchema)
def list_xrays(query: dict[str, Any]) -> dict[str, Any]:
    """The worklist, newest first."""
    worklist: Worklist = current_app.extensions["worklist"]
    found, cursor = worklist.page(**query)
    return {"xrays": found, "cursor": cursor}


@v1.get("/xrays/<xray_id>/preview")
@v1.auth_required(bearer)
@v1.output(FileSchema(), content_type="image/jpeg")
def read_preview(xray_id: str) -> Response:
    """The de-identified preview image."""
    xray = _xrays().get(xray_id)
    response = make_response(_images().read_preview(xray.id))
    response.content_type = "image/jpeg"
    # Pictures of patients stay out of shared caches; the id names one picture for ever.
    response.cache_control.private = True
    response.cache_control.max_age = 3600
    return response


@v1.put("/xrays/<xray_id>/review")
@v1.auth_required(bearer)
@v1.input(schemas.NewReviewSchema, arg_name="review")
@v1.output(schemas.XraySchema)
@v1.doc(responses={404: "No such X-ray.", 409: "It has no prediction, or not yet."})
def review_xray(xray_id: str, review: dict[str, str]) -> XrayRecord:
    """Record the reader's own reading of an X-ray that is done; the last one stands."""
    reviews: Reviews = current_app.extensions["reviews"]
    reader = str(bearer.current_user)
    return reviews.put(xray_id, **review, reader=reader, at=datetime.now(UTC))


@v1.delete("/xrays/<xray_id>")
@v1.auth_required(bearer)
@v1.output({}, status_code=204)
def delete_xray(xray_id: str) -> str:
    """Forget a record, its preview and, if it still waits, its bytes."""
    xray = _xrays().get(xray_id)
    # First: while this fails, the record is there to try again. Not the upload: a record that
    # cannot be deleted is still to be judged.
    _images().delete_preview(xray_id)
    _xrays().delete(xray)
    forget_images(xray_id)  # and what a worker wrote meanwhile
    return ""


@v1.get("/model")
@v1.auth_required(bearer)
@v1.output({})
def read_model() -> dict[str, Any]:
    """The metadata of the artifact that the workers run."""
    model = _xrays().get_model()
    if model is None:
        raise ModelUnknown
    return model
