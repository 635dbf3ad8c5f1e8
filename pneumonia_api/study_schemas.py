"""The shapes of outcomes and of the reader study in HTTP API version 1."""

from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Float, Integer, Nested, String
from apiflask.validators import OneOf
from marshmallow import ValidationError, validates_schema

from pneumonia_api.records.outcomes import BASES, OUTCOMES


class NewOutcomeSchema(Schema):
    """A confirmed outcome, as sent."""

    label = String(
        required=True,
        validate=OneOf(OUTCOMES, error="Choose pneumonia, normal or unknown."),
        metadata={"description": "What the patient had; `unknown` takes back what was entered."},
    )
    basis = String(
        load_default="",
        validate=OneOf(("", *BASES), error=f"Choose one of {', '.join(BASES)}."),
        metadata={"description": "What it rests on: never on this X-ray or the AI result alone."},
    )

    @validates_schema
    def check_basis(self, values: dict[str, Any], **_: Any) -> None:
        """An outcome rests on something."""
        if bool(values["basis"]) == (values["label"] == "unknown"):
            raise ValidationError("State what the outcome rests on; nothing if unknown.", "basis")


class OutcomeSchema(NewOutcomeSchema):
    """An entry of the list of outcomes, which only grows; the last one counts."""

    by = String(metadata={"description": "Who entered it: a user's name, or `machine`."})
    at = String(metadata={"description": "ISO 8601, UTC."})


class ShareSchema(Schema):
    """A share with its 95 % interval, all from 0 to 1; null where `of` is 0."""

    count = Integer()
    of = Integer()
    share = Float(allow_none=True)
    low = Float(allow_none=True)
    high = Float(allow_none=True)


class TimesSchema(Schema):
    """Measured times from the display of the film to the answer."""

    count = Integer()
    median = Float(allow_none=True, metadata={"description": "Seconds."})


class FindingsSchema(Schema):
    """What the answers before and after the AI result show."""

    answers = Integer(metadata={"description": "X-rays read before and after the AI result."})
    confirmed = Integer(metadata={"description": "Those with a confirmed outcome."})
    helped = Nested(
        ShareSchema,
        metadata={"description": "First answer wrong, AI right: how often the last is right."},
    )
    misled = Nested(
        ShareSchema,
        metadata={"description": "First answer right, AI wrong: how often the last is wrong."},
    )
    right_before = Nested(ShareSchema, metadata={"description": "First answers that are right."})
    right_after = Nested(ShareSchema, metadata={"description": "Last answers that are right."})
    towards = Nested(
        ShareSchema,
        metadata={"description": "First answer unlike the AI's: how often the last is like it."},
    )
    away = Nested(
        ShareSchema,
        metadata={"description": "First answer like the AI's: how often the last is not."},
    )
    before = Nested(TimesSchema, metadata={"description": "Without the AI result."})
    after = Nested(TimesSchema, metadata={"description": "With it, where answered again."})


class StudySchema(Schema):
    """The reader study of the newest X-rays."""

    people = Integer(metadata={"description": "Readers in it."})
    xrays = Integer(metadata={"description": "The newest X-rays with a reading, at most so many."})
    silent = Boolean(
        metadata={"description": "The site is in silent weeks, so the study is empty to people."}
    )
    overall = Nested(FindingsSchema)
    readers = Dict(
        String(),
        Nested(FindingsSchema),
        metadata={"description": "By name: a person gets their own; admins and machines, all."},
    )
