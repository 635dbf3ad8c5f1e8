"""Which status, code and sentence each error is answered with; the only place that decides it."""

from typing import Any, cast

import redis
from apiflask import APIFlask, HTTPError
from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from monitoring.logs.requests import note
from pneumonia_api import passwords, second_factor, views
from pneumonia_api.acceptance_errors import ACCEPTANCE_ERRORS
from pneumonia_api.memory import TooBusy
from pneumonia_api.model_errors import MODEL_ERRORS
from pneumonia_api.people_errors import PEOPLE_ERRORS
from pneumonia_api.records import admission, sent
from pneumonia_api.records.confirming import NotConfirmable, TooManyOutcomes
from pneumonia_api.records.deletions import DeletedByAnother
from pneumonia_api.records.image_files import ImageStoreUnavailable
from pneumonia_api.records.images import FilmMissing, ImageMissing
from pneumonia_api.records.record import XrayMissing
from pneumonia_api.records.reviews import (
    NothingToWithdraw,
    NotReviewable,
    ReadingKeyReused,
    ReadMeanwhile,
    TooManyReadings,
)
from pneumonia_api.records.worklist import NoOrder
from pneumonia_api.report_errors import REPORT_ERRORS
from pneumonia_api.request import (
    FILE_TOO_LARGE,
    RELATED,
    UPLOAD,
    SeveralFiles,
    drain_body,
    explain_too_large,
)
from webserver.body import TooManySenders, TooSlow

Answer = tuple[dict[str, dict[str, str]], int, dict[str, str]]

BUSY = ("busy", "Too many X-rays are arriving at once; send this one again in five seconds.")

# Exception -> status, stable code, sentence.
ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    **PEOPLE_ERRORS,
    **ACCEPTANCE_ERRORS,
    **REPORT_ERRORS,
    **MODEL_ERRORS,
    views.EmptyUpload: (400, "empty_file", "The file is empty; choose the X-ray again."),
    views.FileTooLarge: (413, *FILE_TOO_LARGE),
    views.UnsupportedImage: (
        415,
        "unsupported_image",
        "This is not a JPEG, PNG, TIFF or DICOM image; export the X-ray in one of these formats.",
    ),
    views.TooManyPixels: (
        413,
        "too_many_pixels",
        "The image has more pixels than the limit; export it at a lower resolution.",
    ),
    SeveralFiles: (
        422,
        "several_files",
        "Send one X-ray in each request; none of these was stored.",
    ),
    sent.BadKey: (
        422,
        "bad_idempotency_key",
        "The idempotency key must be 1 to 128 printable characters without spaces.",
    ),
    sent.KeyReused: (
        422,
        "idempotency_key_reused",
        "This upload's key was used for another file; reload the page and send it again.",
    ),
    TooSlow: (
        408,
        "too_slow",
        "The upload was too slow and was stopped; send it again, or send a smaller file.",
    ),
    TooManySenders: (503, *BUSY),
    TooBusy: (503, *BUSY),
    admission.ShareUsed: (
        429,
        "share_used",
        "You already have as many X-rays waiting as one person may; "
        "send this one again in half a minute.",
    ),
    admission.QueueFull: (
        503,
        "queue_full",
        "Too many X-rays are waiting; send this one again in half a minute.",
    ),
    views.ModelUnknown: (503, "no_model", "No model is running yet; try again in half a minute."),
    XrayMissing: (404, "no_such_xray", "There is no X-ray with this id; it may have been deleted."),
    NotReviewable: (
        409,
        "not_reviewable",
        "This X-ray has no AI result to review; wait until it has been analysed, "
        "or choose another.",
    ),
    DeletedByAnother: (
        403,
        "deleted_by_another",
        "Another person deleted this X-ray; only they can restore it.",
    ),
    NoOrder: (
        422,
        "no_order",
        "Only X-rays that are to review can be sorted by suspicion, without a search or filter.",
    ),
    ReadMeanwhile: (
        409,
        "read_meanwhile",
        "This X-ray was read in the meantime and your answer was not recorded; look at that "
        "reading, then answer again.",
    ),
    NothingToWithdraw: (
        409,
        "nothing_to_withdraw",
        "There is no reading here that you could withdraw; reload the page.",
    ),
    ReadingKeyReused: (
        422,
        "idempotency_key_reused",
        "This reading's key was used for another one; reload the page and answer again.",
    ),
    TooManyReadings: (
        409,
        "too_many_readings",
        "This X-ray has as many readings as it may have; no more can be added.",
    ),
    NotConfirmable: (
        409,
        "not_confirmable",
        "This X-ray has no AI result, so its outcome is of no use here.",
    ),
    TooManyOutcomes: (
        409,
        "too_many_outcomes",
        "The outcome of this X-ray was changed as often as it may be.",
    ),
    ParseException: (400, "bad_request", "The request could not be read."),
    FilmMissing: (
        404,
        "no_film",
        "This X-ray has no film at full depth, or not yet; its preview is there.",
    ),
    ImageMissing: (404, "no_preview", "This X-ray has no preview yet."),
    ImageStoreUnavailable: (
        503,
        "images_unavailable",
        "Images cannot be saved or opened at the moment; try again in half a minute.",
    ),
    redis.RedisError: (
        503,
        "store_unavailable",
        "The database is not responding; nothing was saved. Try again in half a minute.",
    ),
}
RETRY_SECONDS = {
    "too_many_failures": passwords.FAILURE_SECONDS,
    "too_many_codes": second_factor.CODE_SECONDS,
    "busy": 5,
}
"""The Retry-After of these codes; any other 429 or 503 has half a minute."""

# Werkzeug's own errors, by status.
CODES = {
    400: ("bad_request", "The request could not be read."),
    401: ("not_logged_in", "Log in first: the token is missing, wrong or has expired."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not accept that method."),
    415: ("unsupported_media_type", "Send the X-ray as multipart/form-data."),
    422: ("invalid_request", "The request has an invalid value."),
    500: ("internal_error", "Something went wrong on our side; it was logged."),
}


def register_errors(app: APIFlask) -> None:
    """Have `app` answer every error in the one JSON shape of the API."""
    for kind in ERRORS:
        app.register_error_handler(kind, _answer_named)
    app.error_processor(_answer_apiflask)
    app.register_error_handler(HTTPException, _answer_werkzeug)


def _answer(status: int, code: str, message: str) -> Answer:
    note(code=code)
    headers = {}
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY_SECONDS.get(code, 30))
    return {"error": {"code": code, "message": message}}, status, headers


def _answer_named(error: Exception) -> Answer:
    known = next(kind for kind in type(error).__mro__ if kind in ERRORS)
    if ERRORS[known][0] == 503:
        note(cause=_describe_cause(error))
    return _answer(*ERRORS[known])


def _answer_apiflask(error: HTTPError) -> Answer:
    code, message = CODES.get(error.status_code, ("error", error.message or "Error."))
    if error.status_code == 422 and error.detail:
        message = _first_sentence(error.detail)
    body, status, headers = _answer(error.status_code, code, message)
    return body, status, {**headers, **cast(dict[str, str], error.headers)}


def _answer_werkzeug(error: HTTPException) -> Answer:
    if isinstance(error, RequestEntityTooLarge):
        body, status, headers = _answer(413, *explain_too_large())
        if request.mimetype in (UPLOAD, RELATED):  # the caller has been authenticated by now
            drain_body()
    else:
        status = error.code or 500
        body, _, headers = _answer(status, *CODES.get(status, ("error", "Error.")))
    kept = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return body, status, {**kept, **headers}


def _describe_cause(error: Exception) -> str:
    """The error for the log, without the command and its values, which redis-py quotes."""
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
