"""The shapes of what applies to the whole site, in HTTP API version 1."""

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Float, Integer, List, Nested, String
from apiflask.validators import OneOf, Range

from pneumonia_api.records.profiles import STATES


class NewPrevalenceSchema(Schema):
    """The site's prevalence, as sent."""

    percent = Float(
        required=True,
        validate=Range(0.1, 90, error="Enter per cent from 0.1 to 90."),
        metadata={"description": "Of 100 patients who are X-rayed here, how many are ill."},
    )


class PrevalenceSchema(NewPrevalenceSchema):
    """The site's prevalence, and who stated it."""

    by = String(metadata={"description": "An admin's name, or `machine`."})
    at = String(metadata={"description": "ISO 8601, UTC."})


class NewSilenceSchema(Schema):
    """Whether the site is in silent weeks, as sent."""

    silent = Boolean(
        required=True,
        metadata={
            "description": "In silent weeks people get no result from any route; the key for "
            "machines still does."
        },
    )


class SilenceSchema(NewSilenceSchema):
    """The beginning or the end of silent weeks, and who stated it."""

    by = String(metadata={"description": "An admin's name, or `machine`."})
    at = String(metadata={"description": "ISO 8601, UTC."})


class SwitchSchema(Schema):
    """Which site profile was switched on, or null for off; who switched, and when."""

    profile = String(allow_none=True, metadata={"description": "The id of a profile."})
    by = String(metadata={"description": "An admin's name, or `machine`."})
    at = String(metadata={"description": "ISO 8601, UTC."})


class WorthSchema(Schema):
    """Of the patients with a finding, the share that is ill, with its 95 % interval; 0 to 1."""

    share = Float()
    low = Float()
    high = Float()


class SiteSchema(Schema):
    """What applies to the whole site."""

    prevalences = List(
        Nested(PrevalenceSchema), metadata={"description": "The one that counts first."}
    )
    silences = List(Nested(SilenceSchema), metadata={"description": "The one that counts first."})
    model = String(allow_none=True, metadata={"description": "Whose findings `worth` is about."})
    profile_state = String(
        validate=OneOf(STATES),
        metadata={
            "description": "Of the site profile. off: the model alone decides. applied: the "
            "profile does. other_model or broken: one is switched on, but the model alone decides."
        },
    )
    profile = Nested(SwitchSchema, allow_none=True, metadata={"description": "The last switch."})
    images = Integer(allow_none=True, metadata={"description": "On which it was measured."})
    patients = Integer(allow_none=True)
    worth = Dict(
        String(),
        Nested(WorthSchema),
        metadata={
            "description": "By finding; empty without a prevalence, if it was not measured, or "
            "while a site profile decides. Not valid for a patient out of scope or an image with a "
            "quality warning."
        },
    )
