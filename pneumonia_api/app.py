"""The API's factory and its error map.

`app` is built on first access (`gunicorn app:app`), so importing `create_app` reads nothing.
"""

import threading
from collections.abc import Mapping
from typing import Any, cast

import redis
from apiflask import APIFlask, HTTPError
from flask import request
from gunicorn.http.errors import ParseException
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from monitoring.logs.lines import write_lines
from monitoring.logs.requests import find_request, follow_requests, note
from monitoring.metrics.exposition import mount_metrics, tell_release
from pneumonia_api import auth, schemas, views
from pneumonia_api.cli import users
from pneumonia_api.config import MAX_WAITERS, Config, read_config
from pneumonia_api.forwarded import WebOnly
from pneumonia_api.memory import MEMORY_BYTES, MemoryBudget, TooBusy
from pneumonia_api.metrics import REQUESTS, count_outcome
from pneumonia_api.probes import probes
from pneumonia_api.records import admission, sent
from pneumonia_api.records.images import ImageMissing, ImageStore, ImageStoreUnavailable
from pneumonia_api.records.publishing import create_queue
from pneumonia_api.records.record import XrayMissing
from pneumonia_api.records.reviews import NotReviewable, Reviews
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.workers import Workers
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import BLOCK_SECONDS, XrayStore
from pneumonia_api.request import (
    FILE_TOO_LARGE,
    FORM_BYTES,
    UPLOAD,
    ApiRequest,
    SeveralFiles,
    drain_body,
    explain_too_large,
)
from pneumonia_api.sessions import sessions
from pneumonia_api.store_metrics import StoreMetrics
from webserver.body import TooManySenders, TooSlow
from webserver.host import KnownHost

BUSY = ("busy", "Too many X-rays arrive at once; send this one again in five seconds.")

# Exception -> status, stable code, sentence. The one place where faults get a status.
ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    views.EmptyUpload: (400, "empty_file", "The file is empty; choose the X-ray again."),
    views.FileTooLarge: (413, *FILE_TOO_LARGE),
    views.UnsupportedImage: (
        415,
        "unsupported_image",
        "This is not a JPEG, PNG, TIFF or DICOM image; export the X-ray as one and send that.",
    ),
    views.TooManyPixels: (
        413,
        "too_many_pixels",
        "The image has more pixels than the limit; export it smaller.",
    ),
    SeveralFiles: (
        422,
        "several_files",
        "Send one X-ray in each request; none of these was stored.",
    ),
    sent.BadKey: (
        422,
        "bad_idempotency_key",
        "The idempotency key must be 1 to 128 letters, digits or signs without blanks.",
    ),
    sent.KeyReused: (
        422,
        "idempotency_key_reused",
        "This upload's key was used for another file; reload the page and send it again.",
    ),
    TooSlow: (
        408,
        "too_slow",
        "The upload came too slowly and was cut off; send it again, or send a smaller file.",
    ),
    TooManySenders: (503, *BUSY),
    TooBusy: (503, *BUSY),
    admission.ShareUsed: (
        429,
        "share_used",
        "You have as many X-rays waiting as one person may; send this one again in half a minute.",
    ),
    admission.QueueFull: (
        503,
        "queue_full",
        "Too many X-rays are waiting; send this one again in half a minute.",
    ),
    views.ModelUnknown: (503, "no_model", "No model is running yet; try again in half a minute."),
    auth.WrongPassword: (401, "wrong_password", "The name or the password is wrong."),
    auth.TooManyFailures: (
        429,
        "too_many_failures",
        "Too many failed log-ins for this name from here; try again in five minutes.",
    ),
    XrayMissing: (404, "no_such_xray", "There is no X-ray with this id; it may have been deleted."),
    NotReviewable: (
        409,
        "not_reviewable",
        "This X-ray has no prediction to review; wait until it is judged, or send another.",
    ),
    ParseException: (400, "bad_request", "The request could not be read."),
    ImageMissing: (404, "no_preview", "This X-ray has no preview, or not yet."),
    ImageStoreUnavailable: (
        503,
        "images_unavailable",
        "Images cannot be stored or read at the moment; try again in half a minute.",
    ),
    redis.RedisError: (
        503,
        "store_unavailable",
        "The store does not answer; nothing was saved. Try again in half a minute.",
    ),
}
RETRY_SECONDS = {"too_many_failures": auth.FAILURE_SECONDS, "busy": 5}
"""When to come back, by code; half a minute for any other 429 or 503."""

# Werkzeug's own errors, by status.
CODES = {
    400: ("bad_request", "The request could not be read."),
    401: ("not_logged_in", "Log in first: the token is missing, wrong or has expired."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    415: ("unsupported_media_type", "Send the X-ray as multipart/form-data."),
    422: ("invalid_request", "The request has a wrong value."),
    500: ("internal_error", "Something went wrong on our side; it was logged."),
}


def create_app(overrides: Mapping[str, str] | None = None) -> APIFlask:
    """Build the API from `overrides`, the environment and `var/env`; raises ConfigError."""
    config = read_config(overrides)
    app = APIFlask(
        __name__,
        title="Pneumonia detection",
        version="1",
        spec_path="/openapi.json",
        docs_path=None,
    )
    REQUESTS.watch(app)
    app.after_request(count_outcome)
    app.request_class = ApiRequest
    app.config.update(
        DEBUG=False,  # FLASK_DEBUG would hand a fault to gunicorn, past the error handlers
        API_KEY=config.api_key,
        MAX_FILE_BYTES=config.max_body_bytes,
        MAX_CONTENT_LENGTH=config.max_body_bytes + FORM_BYTES,
        MAX_PIXELS=config.max_pixels,
        HTTP_ERROR_SCHEMA=schemas.Error,
        VALIDATION_ERROR_SCHEMA=schemas.Error,
    )
    _connect(app, config)
    follow_requests(app)
    app.register_blueprint(views.v1)
    app.register_blueprint(sessions)
    app.register_blueprint(probes)
    app.cli.add_command(users)
    _register_errors(app)
    tell_release("api")
    mount_metrics(app, StoreMetrics(config.redis_url))
    # The web says whom it asks for, which failed log-ins are counted by.
    if not config.web_key:
        app.logger.warning("WEB_KEY is not set: failed log-ins count by the web's own address")
    believed = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)
    app.wsgi_app = KnownHost(WebOnly(believed, config.web_key))  # type: ignore[method-assign]
    return app


def _connect(app: APIFlask, config: Config) -> None:
    client = redis.Redis.from_url(
        config.redis_url,
        decode_responses=True,
        socket_connect_timeout=2,
        socket_timeout=BLOCK_SECONDS + 2,
        retry=Retry(ConstantBackoff(0.05), 1),  # a stale connection; the sender may try again
        health_check_interval=30,
    )
    xrays = XrayStore(client)
    app.extensions["xrays"] = xrays
    app.extensions["sent"] = sent.SentUploads(client, xrays)
    app.extensions["admission"] = admission.Admission(client, config.max_queued)
    app.extensions["memory"] = MemoryBudget(max(MEMORY_BYTES, config.max_body_bytes))
    app.extensions["reviews"] = Reviews(client)
    app.extensions["worklist"] = Worklist(client)
    app.extensions["workers"] = Workers(client)
    app.extensions["served_model"] = ServedModel(client)
    app.extensions["waiters"] = threading.BoundedSemaphore(MAX_WAITERS)
    app.extensions["accounts"] = auth.Accounts(client, config.session_seconds)
    app.extensions["images"] = ImageStore(config.image_store)
    app.extensions["queue"] = create_queue(config.redis_url)


def _register_errors(app: APIFlask) -> None:
    def answer(status: int, code: str, message: str) -> tuple[dict[str, Any], int, dict[str, str]]:
        note(code=code)
        headers = {}
        if status in (429, 503):
            headers["Retry-After"] = str(RETRY_SECONDS.get(code, 30))
        return {"error": {"code": code, "message": message}}, status, headers

    def answer_named(error: Exception) -> tuple[dict[str, Any], int, dict[str, str]]:
        known = next(kind for kind in type(error).__mro__ if kind in ERRORS)
        if ERRORS[known][0] == 503:
            note(cause=explain(error))
        return answer(*ERRORS[known])

    for kind in ERRORS:
        app.register_error_handler(kind, answer_named)

    @app.error_processor
    def answer_apiflask(error: HTTPError) -> tuple[dict[str, Any], int, dict[str, str]]:
        code, message = CODES.get(error.status_code, ("error", error.message or "Error."))
        if error.status_code == 422 and error.detail:
            message = _first_sentence(error.detail)
        body, status, headers = answer(error.status_code, code, message)
        return body, status, {**headers, **cast(dict[str, str], error.headers)}

    @app.errorhandler(HTTPException)
    def answer_werkzeug(error: HTTPException) -> tuple[dict[str, Any], int, dict[str, str]]:
        if isinstance(error, RequestEntityTooLarge):
            body, status, headers = answer(413, *explain_too_large())
            if request.mimetype == UPLOAD:  # the caller has shown a token by now
                drain_body()
        else:
            status = error.code or 500
            body, _, headers = answer(status, *CODES.get(status, ("error", "Error.")))
        kept = {name: value for name, value in error.get_headers() if name != "Content-Type"}
        return body, status, {**kept, **headers}


def explain(error: Exception) -> str:
    """What a fault says for the log, without the command and its values, which redis-py quotes."""
    return f"{type(error).__name__}: {str(error).rpartition('caused error: ')[2]}"


def _first_sentence(detail: Any) -> str:
    """The first message in marshmallow's nested errors, with the field it belongs to."""
    name = ""
    while not isinstance(detail, str):
        if isinstance(detail, dict):
            name, detail = next(iter(detail.items()))
            name = "" if name == "_schema" else name
        else:
            detail = detail[0]
    return detail if name in ("xray", "") else f"{name}: {detail}"


def __getattr__(name: str) -> Any:
    if name == "app":
        write_lines("api", find_request)
        globals()["app"] = create_app()
        return globals()["app"]
    raise AttributeError(name)
