"""The shapes of readings in HTTP API version 1."""

from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Float, Integer, String
from apiflask.validators import Length, OneOf, Range
from marshmallow import ValidationError, validates_schema

from pneumonia_api.records.readings import SHOWN, WITHDRAWN
from pneumonia_api.records.reviews import LABELS, MAX_NOTE

MAX_SECONDS = 3600
"""A page that was open for longer measured something other than reading."""


def is_printable(text: str) -> None:
    """Refuse control characters and lone surrogates."""
    if text and not text.isprintable():
        raise ValidationError("Use printable characters only.")


class NewReviewSchema(Schema):
    """A clinician's reading, as sent."""

    label = String(
        required=True,
        validate=OneOf(LABELS, error="Choose pneumonia, normal or unsure."),
        metadata={"description": "The reader's own reading of the image."},
    )
    note = String(
        load_default="",
        validate=[Length(max=MAX_NOTE), is_printable],
        metadata={"description": f"One line of at most {MAX_NOTE} characters; no patient names."},
    )


class ReviewSchema(NewReviewSchema):
    """The last reading that stands."""

    reader = String(metadata={"description": "Who read it: a user's name, or `machine`."})
    reviewed_at = String(metadata={"description": "ISO 8601, UTC."})


class NewReadingSchema(NewReviewSchema):
    """An entry of the list of readings, as sent."""

    label = String(
        required=True,
        validate=OneOf((*LABELS, WITHDRAWN), error="Choose pneumonia, normal or unsure."),
        metadata={"description": "The reader's own reading; `withdrawn` takes it back."},
    )
    seen = Integer(
        required=True,
        validate=Range(0),
        metadata={
            "description": "How many entries the reader was shown. If there are others, the "
            "answer is 409 `read_meanwhile` and nothing is recorded."
        },
    )
    ai = String(
        load_default=None,
        allow_none=True,
        validate=OneOf(SHOWN),
        metadata={
            "description": "Whether the reader was shown the AI result: `hidden` until they had "
            "answered; `silent` not even then, because the site is in silent weeks."
        },
    )
    undoes = Integer(
        load_default=None,
        allow_none=True,
        validate=Range(1),
        metadata={
            "description": "With the label `withdrawn`: revokes only the entry of this number, the "
            "reader's own and the last, so that an earlier reading stands again."
        },
    )
    seconds = Float(
        load_default=None,
        allow_none=True,
        validate=Range(0, MAX_SECONDS, min_inclusive=False),
        metadata={"description": "From the display of the film to this answer, if measured."},
    )

    @validates_schema
    def check_undoes(self, values: dict[str, Any], **_: Any) -> None:
        """Only a withdrawal undoes an entry."""
        if values["undoes"] and values["label"] != WITHDRAWN:
            raise ValidationError("Send it with the label withdrawn.", "undoes")


class ReadingSchema(NewReadingSchema):
    """An entry of the list of readings, which only grows."""

    number = Integer(metadata={"description": "1 is the first."})
    reader = String(metadata={"description": "Who read it: a user's name, or `machine`."})
    reviewed_at = String(metadata={"description": "ISO 8601, UTC."})
    model = String(metadata={"description": "Version of the artifact whose result it had."})
    reopens = Integer(
        metadata={
            "description": "With the label `withdrawn`: the number of somebody else's reading that "
            "this lead took back, or null."
        }
    )
    stands = Boolean(
        metadata={
            "description": "False for what its reader has replaced or taken back, and for what a "
            "lead has reopened."
        }
    )

    class Meta:
        """What the sender states for itself alone."""

        exclude = ("seen",)


class ReopeningSchema(Schema):
    """Which reading of somebody else is taken back, as sent."""

    number = Integer(
        required=True,
        validate=Range(1),
        metadata={"description": "The number of the reading, which stands."},
    )
    note = String(
        load_default="",
        validate=[Length(max=MAX_NOTE), is_printable],
        metadata={"description": f"Why: at most {MAX_NOTE} characters; no patient names."},
    )
    seen = Integer(
        required=True,
        validate=Range(0),
        metadata={"description": "How many entries the sender was shown, as in a new reading."},
    )


class ReadingHeadersSchema(Schema):
    """The headers of a new reading."""

    key = String(
        data_key="Idempotency-Key",
        load_default=None,
        metadata={
            "description": "1 to 128 printable characters, unique for each reading. A repeat with "
            "the same key records nothing more and returns the record."
        },
    )
