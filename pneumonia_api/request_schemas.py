"""What an upload and a query of the worklist send along."""

from apiflask import Schema
from apiflask.fields import Boolean, File, Float, Integer, String
from apiflask.validators import Length, OneOf, Range
from marshmallow import ValidationError

from pneumonia_api.peers import TITLE
from pneumonia_api.reading_schemas import is_printable
from pneumonia_api.records.lists import SHOWN
from pneumonia_api.records.record import DECISIONS, STATUSES
from pneumonia_api.records.worklist import ORDERS, TABS


class UploadSchema(Schema):
    """The multipart form of an upload."""

    xray = File(
        required=True,
        error_messages=dict.fromkeys(
            ("required", "invalid"),
            'Send the X-ray as the file of the multipart form field "xray".',
        ),
    )
    reference = String(
        load_default="",
        validate=[Length(max=64), is_printable],
        metadata={"description": "Your own reference, at most 64 characters; no patient names."},
    )


def is_ae_title(text: str) -> None:
    """Refuse what is no AE title."""
    if not TITLE.fullmatch(text):
        raise ValidationError("An AE title has 1 to 16 printable characters and no backslash.")


class UploadHeadersSchema(Schema):
    """The headers of an upload."""

    key = String(
        data_key="Idempotency-Key",
        load_default=None,
        metadata={
            "description": "1 to 128 printable characters, unique for each upload. A repeat of the "
            "upload with the same key within a day returns the first record."
        },
    )
    entity = String(
        data_key="Dicom-Ae-Title",
        load_default=None,
        validate=is_ae_title,
        metadata={"description": "For the DICOM node: the title of the AE that sent the object."},
    )


class WaitSchema(Schema):
    """How long to hold the response."""

    wait = Float(
        load_default=0.0,
        validate=Range(0, 30),
        metadata={"description": "Seconds to wait for the prediction, up to 30."},
    )


class PageQuerySchema(Schema):
    """Which records to list."""

    status = String(validate=OneOf(STATUSES), load_default=None)
    decision = String(validate=OneOf(DECISIONS), load_default=None)
    reviewed = Boolean(
        load_default=None, metadata={"description": "Whether a clinician's reading is recorded."}
    )
    shown = String(
        validate=OneOf(SHOWN),
        load_default=None,
        metadata={
            "description": "What a page may show of the result: its finding, or `withheld` where "
            "it means little for the patient's age or the image."
        },
    )
    tab = String(
        validate=OneOf(list(TABS)),
        load_default=None,
        metadata={"description": "A part of the worklist, as in `counts`; filters narrow it."},
    )
    sort = String(
        validate=OneOf(ORDERS),
        load_default="newest",
        metadata={
            "description": "`suspicion` is for a person who chooses it, and for the tab "
            "`to_review` without any filter: the highest probability first, and before all others "
            "those whose result is withheld."
        },
    )
    q = String(
        load_default="",
        validate=Length(max=100),
        metadata={
            "description": "Each word must begin a word of reference or note, in any case; RX-7/42 "
            "has three words. Also finds an id by at least its first 12 digits, and an X-ray "
            "without a reference by the last 8 digits of its id."
        },
    )
    cursor = String(load_default=None, validate=Length(max=64))
    limit = Integer(load_default=50, validate=Range(1, 200))
