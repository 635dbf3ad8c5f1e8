"""Published models, and what somebody wishes done with one."""

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Enum, Float, List, Nested, String
from apiflask.validators import Regexp

from pneumonia_api.records.models import State, What


class VersionSchema(Schema):
    """A model by its version."""

    version = String(required=True, validate=Regexp("^[0-9a-f]{12}\\Z"))


class PublishedModelSchema(Schema):
    """A published model."""

    version = String()
    state = String(
        metadata={
            "description": "candidate, refused (by the gate), approved (promoted before) or served."
        }
    )
    manifest = String(metadata={"description": "SHA-256 of its manifest, which names its files."})
    trained_at = String(metadata={"description": "ISO 8601, or null."})
    figures = Dict(
        keys=String(),
        values=List(Float()),
        metadata={"description": "Of the test split: value, and low and high of its interval."},
    )


class WishSchema(Schema):
    """What somebody wished done with a model, and how far it is."""

    what = Enum(What, by_value=True)
    version = String()
    by = String()
    at = String(metadata={"description": "ISO 8601, UTC."})
    state = Enum(State, by_value=True)
    reasons = List(String(), metadata={"description": "What the gate says, or what failed."})
    ended = String(metadata={"description": 'ISO 8601, UTC, or "".'})


class LastWishSchema(WishSchema):
    """The last wish; a schema of its own, because OpenAPI names each once."""


class ModelsSchema(Schema):
    """All published models, and the last wish."""

    has_store = Boolean(
        metadata={"description": "Without a store there is no model but that of the release."}
    )
    models = List(Nested(PublishedModelSchema))
    wish = Nested(LastWishSchema, allow_none=True)
