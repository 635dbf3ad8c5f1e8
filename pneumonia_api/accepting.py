"""Accept an upload: store its bytes, then its record and its task, so that a crash loses none."""

import contextlib
from dataclasses import replace

import redis
from celery import Celery
from flask import current_app

from model.reading.kinds import HEAD_BYTES, is_dicom
from monitoring.logs.requests import find_request_id
from pneumonia_api.memory import MemoryBudget
from pneumonia_api.metrics import mark_reused
from pneumonia_api.records.admission import Admission
from pneumonia_api.records.image_files import Upload
from pneumonia_api.records.images import ImageMissing, ImageStore
from pneumonia_api.records.publishing import compose
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.sent import KeyReused, SentUploads
from pneumonia_api.records.xrays import XrayStore


def _xrays() -> XrayStore:
    return current_app.extensions["xrays"]


def _images() -> ImageStore:
    return current_app.extensions["images"]


def accept(new: XrayRecord, upload: Upload, key: str | None) -> XrayRecord:
    """The record of a checked upload: queued, or done with the prediction of identical bytes.

    With an idempotency `key` (`records.sent`) it is the first record with that key. Raises
    QueueFull, ShareUsed, TooBusy, ImageStoreUnavailable, KeyReused or RedisError; nothing is kept
    then.
    """
    same = _xrays().find_same(new.digest)
    if same and not _lacks_references(same, upload) and (reused := _reuse(new, same, key)):
        return reused
    admission: Admission = current_app.extensions["admission"]
    admission.check(new.source)
    memory: MemoryBudget = current_app.extensions["memory"]
    with memory.hold(0 if upload.path else upload.size):  # a temporary file is renamed, not read
        _images().keep(new.id, upload)
    queue: Celery = current_app.extensions["queue"]
    return _add(new, key, compose(queue, new.id, find_request_id()))


def _lacks_references(same: XrayRecord, upload: Upload) -> bool:
    """Whether the site keeps references, and these bytes were judged when or where it did not."""
    if same.references or not current_app.config["KEEPS_REFERENCES"]:
        return False
    upload.seek(0)
    return is_dicom(upload.file.read(HEAD_BYTES))


def _reuse(new: XrayRecord, same: XrayRecord, key: str | None) -> XrayRecord | None:
    try:
        preview = _images().read_preview(same.id)
    except ImageMissing:
        return None  # just deleted: predict again
    _images().write_preview(new.id, preview)
    _images().share_film(same.id, new.id)
    done = replace(
        new,
        status="done",
        prediction=same.prediction,
        quality=same.quality,
        scope=same.scope,
        view=same.view,
        device=same.device,
        accession=same.accession,
        burned_in=same.burned_in,
        references=same.references if current_app.config["KEEPS_REFERENCES"] else None,
        reference=new.reference or same.accession or "",
    )
    added = _add(done, key)
    mark_reused()
    return added


def _add(xray: XrayRecord, key: str | None, task: str | None = None) -> XrayRecord:
    """Store the record and its task. Returns the other record if the same upload arrives twice at
    once."""
    uploads: SentUploads = current_app.extensions["sent"]
    try:
        added = uploads.add(xray, key, task)
    except redis.RedisError:
        # The upload is not accepted, so no patient data may remain. Redis may have the record, with
        # only its answer lost. If the record cannot be deleted now, its image is kept and
        # gets its prediction; an image without a record is swept later. With a key, another request
        # may already have returned the record to the sender, so record and image are kept.
        if key is None:
            with contextlib.suppress(redis.RedisError):
                if _xrays().exists(xray.id):
                    _xrays().delete(xray)
                forget_images(xray.id)
        raise
    except KeyReused:
        forget_images(xray.id)
        raise
    if added.id != xray.id:
        forget_images(xray.id)
    return added


def forget_images(xray_id: str) -> None:
    """Delete the upload, the preview and the film of an X-ray."""
    _images().delete_incoming(xray_id)
    _images().delete_pictures(xray_id)
