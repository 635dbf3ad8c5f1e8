"""The shapes of site profiles, in HTTP API version 1."""

from apiflask import Schema
from apiflask.fields import Dict, Float, Integer, List, Nested, String
from apiflask.validators import Length, OneOf

from pneumonia_api.records.profiles import STATES
from pneumonia_api.site_schemas import SwitchSchema


class ProfileFilmsSchema(Schema):
    """On which films a profile was fitted."""

    origin = String(metadata={"description": "service or archive."})
    judged = Integer(metadata={"description": "X-rays that could have had a label."})
    films = Integer(metadata={"description": "Those that were used."})
    ill = Integer()
    patients_ill = Integer()
    patients_healthy = Integer()
    bases = Dict(String(), Integer(), metadata={"description": "outcome, reading or file."})
    first = String(metadata={"description": "Day on which the first was sent. ISO 8601, UTC."})
    last = String()


class ProfileSchema(Schema):
    """A calibration, a threshold and an uncertain band of the hospital's own for one model."""

    id = String(metadata={"description": "A digest of everything in it."})
    model = String(metadata={"description": "It decides for this version and for no other."})
    intercept = Float(metadata={"description": "Of the log-odds of illness."})
    slope = Float(metadata={"description": "On the log-odds of the model's own probability."})
    threshold = Float(metadata={"description": "A probability of the profile."})
    uncertain = List(Float(), metadata={"description": "Likewise; see `Prediction`."})
    basis = Nested(ProfileFilmsSchema)
    figures = Dict(
        String(),
        List(Float()),
        metadata={
            "description": "Value and ends of the 95 % interval, of patients that were not used: "
            "auc, sensitivity, specificity, uncertain, error; and model_error, the calibration "
            "error of the model itself on the same films."
        },
    )
    by = String(metadata={"description": "Who had it stored."})
    at = String(metadata={"description": "ISO 8601, UTC."})


class FittedProfileSchema(ProfileSchema):
    """The profile that was just fitted and stored."""


class NewSwitchSchema(Schema):
    """The profile to switch on, or null to let the model alone decide, as sent."""

    profile = String(required=True, allow_none=True, validate=Length(1, 64))


class ProfilesSchema(Schema):
    """All profiles, and which is switched on."""

    model = String(metadata={"description": "The version in service."})
    state = String(
        validate=OneOf(STATES),
        metadata={
            "description": "off; applied; or other_model or broken: a profile is switched on, but "
            "decides nothing."
        },
    )
    switch = Nested(SwitchSchema, allow_none=True, metadata={"description": "The last one."})
    profiles = List(Nested(ProfileSchema), metadata={"description": "The newest first."})
    switches = List(Nested(SwitchSchema), metadata={"description": "The newest first."})
    patients = Integer(
        metadata={"description": "So many ill and healthy patients each are needed to fit one."}
    )
