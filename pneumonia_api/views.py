"""The HTTP API, version 1."""

import hashlib
import io
from dataclasses import replace
from typing import Any

import redis
from apiflask import APIBlueprint, FileSchema
from celery import Celery
from flask import Response, current_app, make_response, request
from kombu.exceptions import OperationalError
from PIL import Image, TiffImagePlugin, UnidentifiedImageError
from werkzeug.exceptions import BadRequest

from pneumonia_api import schemas
from pneumonia_api.auth import Accounts, bearer
from pneumonia_api.images import ImageMissing, ImageStore
from pneumonia_api.store import QUEUE, TASK, Xray, XrayStore, new_xray

v1 = APIBlueprint("v1", __name__, url_prefix="/v1")
probes = APIBlueprint("probes", __name__, enable_openapi=False)

FORMATS = ("JPEG", "PNG", "TIFF")

# As in model/picture.py: the one grey TIFF layout that Pillow does not list.
TiffImagePlugin.OPEN_INFO[(TiffImagePlugin.MM, 0, (1,), 1, (16,), ())] = ("I;16B", "I;16B")


class EmptyUpload(ValueError):
    """The file has no bytes."""


class UnsupportedImage(ValueError):
    """The bytes are of no kind that is accepted."""


class TooManyPixels(ValueError):
    """The image's header tells of more pixels than the limit."""


class QueueFull(RuntimeError):
    """More X-rays wait than the workers will do in reasonable time."""


class ModelUnknown(RuntimeError):
    """No worker has ever announced a model."""


@v1.before_request
def parse_json() -> None:
    """Refuse JSON that chokes the parser (endless nesting or digits) like any other bad JSON."""
    if request.is_json:
        try:
            request.get_json()
        except (RecursionError, ValueError) as error:
            raise BadRequest from error


def _xrays() -> XrayStore:
    return current_app.extensions["xrays"]


def _images() -> ImageStore:
    return current_app.extensions["images"]


def _accounts() -> Accounts:
    return current_app.extensions["accounts"]


def check_upload(data: bytes) -> None:
    """Tell at once what cannot be an X-ray, from content alone; decoding is the worker's part.

    Raises EmptyUpload, UnsupportedImage or TooManyPixels.
    """
    if not data:
        raise EmptyUpload
    # DICOM; without preamble it begins with the group of its header or of its data set.
    if data[128:132] == b"DICM" or data[:2] in (b"\x02\x00", b"\x08\x00"):
        return
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
    except Image.DecompressionBombError as error:
        raise TooManyPixels from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UnsupportedImage from error
    if width * height > current_app.config["MAX_PIXELS"]:
        raise TooManyPixels


@v1.post("/xrays")
@v1.auth_required(bearer)
@v1.input(schemas.Wait, location="query", arg_name="query")
@v1.input(schemas.Upload, location="form_and_files", arg_name="form")
@v1.output(schemas.Xray, status_code=202)
@v1.doc(
    responses={
        200: "Done, rejected or failed; or identical bytes were judged by this model before.",
        202: "Accepted; ask again with GET.",
        413: "Larger than the limits.",
        415: "Not a kind of image that is accepted.",
        503: "Too many X-rays are waiting; Retry-After tells when to come back.",
    }
)
def create_xray(query: dict[str, Any], form: dict[str, Any]) -> tuple[Xray, int]:
    """Upload one X-ray."""
    data = form["xray"].read()
    check_upload(data)
    digest = hashlib.sha256(data).hexdigest()
    new = new_xray(str(bearer.current_user), digest, form["reference"])
    same = _xrays().find_same(digest)
    if same and (reused := _reuse(new, same)):
        return reused, 200
    if _xrays().count("queued") >= current_app.config["MAX_QUEUED"]:
        raise QueueFull
    _images().write_incoming(new.id, data)
    try:
        _xrays().add(new)
    except redis.RedisError:
        _images().delete_incoming(new.id)  # not accepted, so nothing of the patient stays
        raise
    _publish(new.id)
    if query["wait"]:
        new = _xrays().wait_finished(new.id, query["wait"])
    return new, 202 if new.status == "queued" else 200


def _reuse(new: Xray, same: Xray) -> Xray | None:
    try:
        preview = _images().read_preview(same.id)
    except ImageMissing:
        return None  # deleted this moment: judge the bytes anew
    _images().write_preview(new.id, preview)
    done = replace(new, status="done", prediction=same.prediction, quality=same.quality)
    _xrays().add(done)
    return done


def _publish(xray_id: str) -> None:
    queue: Celery = current_app.extensions["queue"]
    try:
        queue.send_task(TASK, (xray_id,), queue=QUEUE, ignore_result=True)
    except (OperationalError, redis.RedisError):
        # The record is stored, so the X-ray is accepted: a worker's timer publishes it again.
        current_app.logger.exception("could not publish %s; a worker will find it", xray_id)


@v1.get("/xrays/<xray_id>")
@v1.auth_required(bearer)
@v1.input(schemas.Wait, location="query", arg_name="query")
@v1.output(schemas.Xray)
def read_xray_record(xray_id: str, query: dict[str, Any]) -> Xray:
    """One record; with `wait`, held until it is finished."""
    if query["wait"]:
        return _xrays().wait_finished(xray_id, query["wait"])
    return _xrays().get(xray_id)


@v1.get("/xrays")
@v1.auth_required(bearer)
@v1.input(schemas.PageQuery, location="query", arg_name="query")
@v1.output(schemas.Page)
def list_xrays(query: dict[str, Any]) -> dict[str, Any]:
    """The worklist, newest first."""
    found, cursor = _xrays().page(**query)
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


@v1.delete("/xrays/<xray_id>")
@v1.auth_required(bearer)
@v1.output({}, status_code=204)
def delete_xray(xray_id: str) -> str:
    """Forget a record, its preview and, if it still waits, its bytes."""
    _xrays().delete(_xrays().get(xray_id))
    _images().delete_incoming(xray_id)
    _images().delete_preview(xray_id)
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


@v1.post("/sessions")
@v1.input(schemas.Credentials, arg_name="credentials")
@v1.output(schemas.Session, status_code=201)
@v1.doc(responses={401: "Wrong name or password.", 429: "Too many failures in a row."})
def log_in(credentials: dict[str, str]) -> dict[str, str]:
    """Log in: an opaque session token."""
    token = _accounts().log_in(credentials["user"], credentials["password"])
    return {"token": token, "user": credentials["user"]}


@v1.delete("/sessions/current")
@v1.auth_required(bearer)
@v1.output({}, status_code=204)
def log_out() -> str:
    """Log out: the token opens nothing from now on."""
    _accounts().log_out(bearer.get_auth().token)
    return ""


@probes.get("/livez")
def livez() -> dict[str, str]:
    """Whether this process answers."""
    return {"status": "alive"}


@probes.get("/readyz")
def readyz() -> tuple[dict[str, Any], int]:
    """Whether an X-ray sent now would be judged: Redis answers and a warm worker is alive."""
    try:
        worker = _xrays().has_worker()
    except redis.RedisError:
        current_app.logger.warning("not ready: Redis does not answer")
        return {"status": "unready", "redis": False, "worker": False}, 503
    status = "ready" if worker else "unready"
    return {"status": status, "redis": True, "worker": worker}, 200 if worker else 503
