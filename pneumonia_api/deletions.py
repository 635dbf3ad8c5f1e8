"""The HTTP API, version 1: delete an X-ray, and restore it within a while."""

from datetime import UTC, datetime

from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api import schemas
from pneumonia_api.accepting import forget_images
from pneumonia_api.auth import bearer, find_current
from pneumonia_api.records.deletions import Deletions
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.request import check_body, check_query
from pneumonia_api.roles import Role

deletions = APIBlueprint("deletions", __name__, url_prefix="/v1", tag="V1")
deletions.before_request(check_body)
deletions.before_request(check_query)


def _deletions() -> Deletions:
    return current_app.extensions["deletions"]


@deletions.delete("/xrays/<xray_id>")
@deletions.auth_required(bearer)
@deletions.output({}, status_code=204)
@deletions.doc(responses={404: "No such X-ray."})
def delete_xray(xray_id: str) -> str:
    """Delete an X-ray: nobody finds it any more, and it can be restored for a while.

    One that is still queued is gone at once.
    """
    xrays: XrayStore = current_app.extensions["xrays"]
    images: ImageStore = current_app.extensions["images"]
    if xrays.get(xray_id).status == "queued":
        # The preview goes first: if that fails, the record remains and the caller can retry. The
        # upload goes last: a record that cannot be deleted still needs it for its prediction.
        images.delete_pictures(xray_id)
    if _deletions().delete(xray_id, by=str(bearer.current_user), at=datetime.now(UTC)):
        forget_images(xray_id)  # also a preview that a worker has written meanwhile
    return ""


@deletions.post("/xrays/<xray_id>/restore")
@deletions.auth_required(bearer)
@deletions.output(schemas.XraySchema)
@deletions.doc(responses={403: "Another deleted it.", 404: "No such X-ray, or too late."})
def restore_xray(xray_id: str) -> XrayRecord:
    """Restore an X-ray that the caller deleted, with its readings; a lead also another's."""
    return _deletions().restore(xray_id, by=_find_owner(), at=datetime.now(UTC))


@deletions.get("/deletions")
@deletions.auth_required(bearer)
@deletions.output(schemas.DeletionsSchema)
def list_deletions() -> dict[str, list[XrayRecord]]:
    """The X-rays that the caller can restore, the last deleted first: their own; a lead's, all."""
    return {"xrays": _deletions().list_restorable(_find_owner(), datetime.now(UTC))}


def _find_owner() -> str | None:
    """Whose deletions the caller may undo; None for everybody's."""
    caller = find_current()
    return None if Role.LEAD in caller.roles else caller.name
