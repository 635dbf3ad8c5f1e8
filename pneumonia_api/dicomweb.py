"""DICOMweb STOW-RS (PS3.18, 10.5): X-rays from programs that push DICOM by HTTP.

Each object is accepted as an upload is, or fails for itself, with the reason that C-STORE has.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis
from apiflask import APIBlueprint
from flask import Response, current_app, json, make_response, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from model.reading.dicom.accepted import SOP_CLASSES, TRANSFER_SYNTAXES
from model.reading.headers.dicom_meta import FileMeta, UnreadableXray, read_meta
from monitoring.logs.requests import find_request_id, note
from pneumonia_api.accepting import accept
from pneumonia_api.audit.events import Action, Event, record, write_roles
from pneumonia_api.audit.requests import leave_out
from pneumonia_api.auth import bearer, find_current
from pneumonia_api.memory import MemoryBudget, TooBusy
from pneumonia_api.multipart import MalformedBody, split_related
from pneumonia_api.records import sent
from pneumonia_api.records.admission import QueueFull, ShareUsed
from pneumonia_api.records.image_files import ImageStoreUnavailable
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.request import RELATED, check_query
from pneumonia_api.roles import ENTITY, MACHINE, NAMED
from pneumonia_api.views import FileTooLarge, check_upload

dicomweb = APIBlueprint("dicomweb", __name__, url_prefix="/dicomweb", tag="V1")
dicomweb.before_request(check_query)

DICOM = "application/dicom"
ANSWER = "application/dicom+json"

OUT_OF_RESOURCES, NOT_SUPPORTED, NOT_UNDERSTOOD = 0xA700, 0x0122, 0xC000
"""Reasons of a failure (PS3.18, table 10.5.1-2, and PS3.4, B.2.3)."""

_PASSING = (QueueFull, ShareUsed, TooBusy, ImageStoreUnavailable, redis.RedisError)


@dataclass(frozen=True)
class Stored:
    """What became of one object: the record, or the reason of its failure."""

    meta: FileMeta | None
    xray: XrayRecord | None = None
    reason: int = 0


@dicomweb.post("/studies")
@dicomweb.auth_required(bearer)
@dicomweb.doc(
    responses={
        200: "All objects are stored; some may have been before.",
        202: "Some failed; `FailedSOPSequence` says which, and why.",
        400: "The body is no multipart/related.",
        409: "All failed.",
        413: "All objects of the request together are larger than the limit of an upload.",
        415: 'Not multipart/related; type="application/dicom".',
        503: "Too many X-rays are waiting, so none was stored; see Retry-After.",
    }
)
def store_instances() -> Response:
    """Send DICOM objects (STOW-RS), in multipart/related; type="application/dicom"."""
    kind = request.mimetype_params.get("type", DICOM)
    if request.mimetype != RELATED or kind != DICOM:
        raise UnsupportedMediaType
    memory: MemoryBudget = current_app.extensions["memory"]
    with memory.hold(request.content_length or current_app.config["MAX_FILE_BYTES"]):
        body = request.get_data(cache=False)
        try:
            files = list(split_related(body, request.mimetype_params.get("boundary", "")))
        except MalformedBody as error:
            raise BadRequest from error
        faults: list[Exception] = []
        stored = [_store(file, faults) for file in files]
    if faults and not any(each.xray for each in stored):
        raise faults[0]
    _audit(stored)
    return _answer(stored)


def _store(file: bytes, faults: list[Exception]) -> Stored:
    try:
        meta = read_meta(file)
    except UnreadableXray:
        return Stored(None, reason=NOT_UNDERSTOOD)
    if meta.sop_class not in SOP_CLASSES or meta.syntax not in TRANSFER_SYNTAXES:
        return Stored(meta, reason=NOT_SUPPORTED)
    try:
        return Stored(meta, _accept(file))
    except FileTooLarge:
        return Stored(meta, reason=NOT_UNDERSTOOD)
    except _PASSING as error:
        faults.append(error)
        return Stored(meta, reason=OUT_OF_RESOURCES)


def _accept(file: bytes) -> XrayRecord:
    """As `POST /v1/xrays` does; the same object again is the same X-ray."""
    check_upload(file)
    images: ImageStore = current_app.extensions["images"]
    uploads: sent.SentUploads = current_app.extensions["sent"]
    caller = str(bearer.current_user)
    source = ENTITY + (caller.removeprefix(NAMED) if caller != MACHINE else MACHINE)
    upload = images.receive(current_app.config["MAX_FILE_BYTES"])
    with contextlib.closing(_Discarding(images, upload)):
        upload.write(file)
        key = sent.name_key(caller, f"dicom-{upload.digest}")
        known = uploads.find(key, upload.digest)
        return known or accept(new_xray(source, upload.digest), upload, key)


class _Discarding:
    def __init__(self, images: ImageStore, upload: Any) -> None:
        self._images, self._upload = images, upload

    def close(self) -> None:
        self._images.discard(self._upload)


def _audit(stored: list[Stored]) -> None:
    """A line for each X-ray, where other calls have one; in one round trip. Raises RedisError."""
    caller, pipe = find_current(), current_app.extensions["redis"].pipeline()
    for each in stored:
        if each.xray:
            event = Event(
                Action.UPLOAD,
                caller.name,
                write_roles(caller),
                request.remote_addr or "",
                each.xray.id,
                request=find_request_id() or "",
            )
            record(pipe, event)
    pipe.execute()
    note(objects=len(stored), stored=sum(each.xray is not None for each in stored))
    leave_out()


def _answer(stored: list[Stored]) -> Response:
    """The standard's response: what was stored, and what failed (PS3.18, 10.5.3)."""
    fine = [each for each in stored if each.xray]
    failed = [each for each in stored if not each.xray]
    body: dict[str, Any] = {"00081190": {"vr": "UR"}}
    if fine:
        body["00081199"] = {"vr": "SQ", "Value": [dict(_name(each.meta)) for each in fine]}
    if failed:
        reasons = [
            {**dict(_name(each.meta)), "00081197": {"vr": "US", "Value": [each.reason]}}
            for each in failed
        ]
        body["00081198"] = {"vr": "SQ", "Value": reasons}
    status = 200 if not failed else 202 if fine else 409
    response = make_response(json.dumps(body), status)
    response.content_type = ANSWER
    return response


def _name(meta: FileMeta | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Class and instance of an object; nothing if it has no header that says them."""
    if meta:
        yield "00081150", {"vr": "UI", "Value": [meta.sop_class]}
        yield "00081155", {"vr": "UI", "Value": [meta.instance]}
        yield "00081190", {"vr": "UR"}
