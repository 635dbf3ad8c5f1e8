"""The shapes of the acceptance at a site, in HTTP API version 1."""

from apiflask import Schema
from apiflask.fields import Dict, Float, Integer, List, Nested, String
from apiflask.validators import OneOf, Range

from pneumonia_api.acceptance.rule import VERDICTS
from pneumonia_api.study_schemas import ShareSchema

SHARE = Range(0, 1, min_inclusive=False, max_inclusive=False, error="Enter a share from 0 to 1.")


class NewPlanSchema(Schema):
    """The least that the hospital accepts, as sent."""

    sensitivity = Float(required=True, validate=SHARE)
    specificity = Float(required=True, validate=SHARE)


class PlanSchema(Schema):
    """What a model is measured by; X-rays that were sent after `at` count."""

    model = String()
    profile = String(
        allow_none=True, metadata={"description": "The site profile that it is for, if any."}
    )
    expected = Dict(
        String(), Float(), metadata={"description": "What the model card, or the profile, says."}
    )
    least = Dict(String(), Float(), metadata={"description": "What the hospital accepts."})
    by = String(metadata={"description": "An admin's name, or `machine`."})
    at = String(metadata={"description": "ISO 8601, UTC."})


class BoundsSchema(Schema):
    """What is expected of a figure, and the least that is accepted."""

    expected = Float()
    least = Float()


class EstimateSchema(Schema):
    """A figure with its 95 % interval by patient."""

    value = Float()
    low = Float()
    high = Float()


class FiguresSchema(Schema):
    """What some films show."""

    films = Integer()
    ill = Integer(metadata={"description": "Films of patients with pneumonia."})
    patients_ill = Integer()
    patients_healthy = Integer()
    auc = Nested(EstimateSchema, allow_none=True)
    sensitivity = Nested(ShareSchema)
    specificity = Nested(ShareSchema)
    uncertain = Nested(ShareSchema)


class CalibrationSchema(Schema):
    """How probabilities fit what was true, with as much weight on the ill as on the others."""

    slope = Nested(EstimateSchema, metadata={"description": "1 if right; below, too sure."})
    intercept = Nested(EstimateSchema, metadata={"description": "Of the log-odds; 0 if right."})
    error = Nested(EstimateSchema, metadata={"description": "Expected calibration error."})
    chance = Float(metadata={"description": "The error that a right model would show here."})


class ComparedSchema(Schema):
    """A figure of the model card, or of the site profile if one decides, and how that of this
    hospital differs."""

    card = Nested(EstimateSchema)
    change = Nested(EstimateSchema, allow_none=True)


class NeededSchema(Schema):
    """Patients for an interval of a width, if the share stays as it is."""

    width = Float()
    patients = Integer(metadata={"description": "In all."})
    missing = Integer(metadata={"description": "Still needed."})


class BetSchema(Schema):
    """One test of the stopping rule in the current quarter of a year."""

    expected = Float()
    least = Float()
    films = Integer(metadata={"description": "Each of another patient."})
    evidence = Float(metadata={"description": "For the least against the expected figure."})
    limit = Float(metadata={"description": "It alarms from this evidence on."})
    alarm = Integer(
        allow_none=True, metadata={"description": "The read film of the quarter at which it did."}
    )


class AcceptanceVerdictSchema(Schema):
    """The verdict by the written rule, and why."""

    name = String(validate=OneOf(list(VERDICTS)))
    reasons = List(String())


class AssessmentSchema(Schema):
    """What the films since the plan show."""

    model = String()
    profile = String(
        allow_none=True, metadata={"description": "The site profile that decided these films."}
    )
    judged = Integer(metadata={"description": "X-rays with a result since the plan."})
    labelled = Integer(metadata={"description": "Those of which the truth is known."})
    withheld = Integer(metadata={"description": "Of these, those whose result no page shows."})
    bases = Dict(String(), Integer(), metadata={"description": "outcome or reading."})
    bounds = Dict(String(), Nested(BoundsSchema))
    verdict = Nested(AcceptanceVerdictSchema)
    overall = Nested(FiguresSchema)
    calibration = Nested(CalibrationSchema, allow_none=True)
    card = Dict(String(), Nested(ComparedSchema))
    needed = Dict(String(), List(Nested(NeededSchema)))
    groups = Dict(
        String(),
        Dict(String(), Nested(FiguresSchema)),
        metadata={"description": "By age, view, device and source."},
    )
    bets = Dict(String(), Nested(BetSchema), metadata={"description": "The stopping rule."})


class AcceptanceSchema(Schema):
    """The plan for the model in service, and what came of it."""

    model = String()
    profile = String(
        allow_none=True, metadata={"description": "The site profile that decides now, if any."}
    )
    plan = Nested(PlanSchema, allow_none=True, metadata={"description": "Null: none is written."})
    plans = List(
        Nested(PlanSchema), metadata={"description": "Also of other models, newest first."}
    )
    proposed = Dict(
        String(),
        Nested(BoundsSchema),
        metadata={"description": "Unless the hospital knows better."},
    )
    assessment = Nested(AssessmentSchema, allow_none=True)
    xrays = Integer(metadata={"description": "At most so many X-rays since the plan are read."})
    patients = Integer(
        metadata={"description": "So many ill and healthy patients each are needed to accept."}
    )
