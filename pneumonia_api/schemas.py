"""The shapes of HTTP API version 1, from which `/openapi.json` is made."""

from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Float, Integer, List, Nested, String
from apiflask.validators import OneOf
from marshmallow import post_dump

from model.reading.ages import AGES
from pneumonia_api.reading_schemas import ReadingSchema, ReviewSchema
from pneumonia_api.records.record import DECISIONS, FINDINGS, STATUSES
from pneumonia_api.records.transmission import STATES
from pneumonia_api.silence import withhold
from pneumonia_api.study_schemas import OutcomeSchema


def openapi_name(schema: Any) -> str:
    """The name of `schema`, an instance, in `/openapi.json`."""
    return type(schema).__name__.removesuffix("Schema")


class DecisionSchema(Schema):
    """The network's decision, as listed in the worklist."""

    probability = Float(metadata={"description": "Calibrated probability of pneumonia, 0 to 1."})
    decision = String(validate=OneOf(DECISIONS))
    threshold = Float(metadata={"description": "The decision is pneumonia from this probability."})
    model = String(metadata={"description": "Version of the artifact that made the prediction."})
    precision = String(
        metadata={
            "description": "Arithmetic of the network: float32, or bfloat16 where the processor "
            "has it. Answers near a limit are always float32."
        }
    )

    finding = String(
        validate=OneOf(FINDINGS),
        metadata={
            "description": "What to show: the decision, or uncertain where the probability is in "
            "the band around the threshold."
        },
    )
    uncertain = List(
        Float(),
        allow_none=True,
        metadata={
            "description": "From the first to below the second probability the finding is "
            "uncertain; null if the model has no such band."
        },
    )
    profile = String(
        allow_none=True,
        metadata={
            "description": "The site profile that decided: probability, threshold and band are its "
            "own. Null where the model alone decided."
        },
    )
    model_probability = Float(
        allow_none=True,
        metadata={"description": "Where a profile decided, what the model itself would say."},
    )


class PredictionSchema(DecisionSchema):
    """The network's whole prediction."""

    heatmap = List(
        List(Float()),
        metadata={"description": "Grad-CAM over the whole image: rows of numbers from 0 to 1."},
    )


class QualitySchema(Schema):
    """What the reader should know about the image itself."""

    ok = Boolean()
    warnings = List(String())
    ood = Float(
        allow_none=True,
        metadata={
            "description": "How unlike a chest X-ray the image is; null if the model has no score."
        },
    )


class ScopeSchema(Schema):
    """Whether the model is meant for this patient, as far as the file says."""

    out_of_scope = Boolean(
        metadata={"description": "Show the result on demand only, and say why by `age`."}
    )
    age = String(
        validate=OneOf(AGES),
        metadata={
            "description": "Where the patient is in relation to the ages that the model is for: "
            "within, under or above; contradictory if age and dates in the file disagree; "
            "implausible if they cannot be right; unknown if the file has none. Only DICOM has any."
        },
    )
    youngest = Integer(
        allow_none=True,
        metadata={"description": "In completed years; null if the model does not state its ages."},
    )
    oldest = Integer(
        allow_none=True,
        metadata={"description": "In completed years, included; null like `youngest`."},
    )


class ListedXraySchema(Schema):
    """A record as listed in the worklist: without the heat map, which is most of its size."""

    id = String()
    status = String(validate=OneOf(STATUSES))
    source = String(
        metadata={
            "description": "Who sent it: a user's name, `machine`, `machine:` and the name of a "
            "key, or `dicom:` and an AE title."
        }
    )
    created_at = String(metadata={"description": "ISO 8601, UTC."})
    reference = String(metadata={"description": "The sender's own reference."})
    prediction = Nested(
        DecisionSchema,
        allow_none=True,
        metadata={"description": "Null until it is done, and to people in silent weeks."},
    )
    silent = Boolean(
        metadata={
            "description": "The site is in silent weeks and the caller is a person: the result is "
            "withheld, before and after they have read."
        }
    )
    quality = Nested(QualitySchema, allow_none=True)
    reason = String(
        allow_none=True,
        metadata={"description": "Why it was rejected or failed, in one sentence."},
    )
    review = Nested(ReviewSchema, allow_none=True)
    scope = Nested(
        ScopeSchema,
        allow_none=True,
        metadata={"description": "Null until it is done, and in records of earlier releases."},
    )
    view = String(
        allow_none=True,
        metadata={"description": "PA or AP, where the file says so; null otherwise."},
    )
    burned_in = Boolean(
        metadata={
            "description": "The file says that text in its picture identifies the patient; every "
            "picture of it keeps that text."
        }
    )
    in_study = Boolean(
        metadata={
            "description": "The site keeps which object of which study it is, so that DICOM and "
            "FHIR reports belong to that study, and there is a presentation state."
        }
    )
    device = String(
        allow_none=True,
        metadata={
            "description": "Maker and model of the machine, where a DICOM names them; null "
            "otherwise. Never the station or its number."
        },
    )

    @post_dump
    def withhold(self, record: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Whatever route answers with a record withholds the result in silent weeks."""
        return withhold(record)


class TransmissionSchema(Schema):
    """The state of a result on its way to the PACS."""

    status = String(validate=OneOf(STATES))
    reading = Integer(metadata={"description": "The number of the reading that it is with."})
    at = String(metadata={"description": "Since when. ISO 8601, UTC."})
    answer = String(
        allow_none=True,
        metadata={
            "description": "Why it is pending, refused or withheld: a status of C-STORE such as "
            "0xA700, or away, rejected, aborted, no_answer, not_drawn, withdrawn, silent, age or "
            "image."
        },
    )


class XraySchema(ListedXraySchema):
    """The record of one uploaded image."""

    prediction = Nested(
        PredictionSchema,
        allow_none=True,
        metadata={
            "description": "Given to every caller, also before anybody has read the X-ray: a page "
            "on which readers answer first has to withhold it by itself. Null until it is done, "
            "and to people in silent weeks."
        },
    )
    transmission = Nested(
        TransmissionSchema,
        allow_none=True,
        metadata={
            "description": "Its result on the way to the PACS; null where none is to be sent: the "
            "site has no PACS for it, the X-ray did not come by DICOM, or nobody has read it."
        },
    )
    readings = List(Nested(ReadingSchema), metadata={"description": "All of them, oldest first."})
    outcomes = List(Nested(OutcomeSchema), metadata={"description": "All of them, oldest first."})


class DeletionSchema(Schema):
    """Who deleted a record, and when."""

    by = String()
    at = String(metadata={"description": "ISO 8601, UTC."})
    until = String(metadata={"description": "Until when it can be restored. ISO 8601, UTC."})


class DeletedXraySchema(ListedXraySchema):
    """A record that was deleted."""

    deletion = Nested(DeletionSchema)


class DeletionsSchema(Schema):
    """The records that the caller can restore."""

    xrays = List(Nested(DeletedXraySchema))


class CountsSchema(Schema):
    """How many X-rays each part of the worklist has, whatever the filters of the page."""

    to_review = Integer(metadata={"description": "Those with a prediction that nobody has read."})
    uncertain = Integer(
        metadata={
            "description": "Those of `to_review` that are uncertain; not to people in silent weeks."
        }
    )
    needs_person = Integer(metadata={"description": "Those that were rejected or have failed."})
    all = Integer()
    queued = Integer()


class PageSchema(Schema):
    """One page of the worklist."""

    xrays = List(Nested(ListedXraySchema))
    counts = Nested(CountsSchema)
    silent = Boolean(
        metadata={
            "description": "As in each record. Then filters, orders and tabs by the result are "
            "ignored."
        }
    )
    cursor = String(
        allow_none=True,
        metadata={
            "description": "Pass it to get the next page; null on the last. A search for the "
            "beginning of very many words may return a short or empty page."
        },
    )


class ErrorDetailSchema(Schema):
    """What went wrong."""

    code = String(metadata={"description": "Stable, for machines."})
    message = String(metadata={"description": "One sentence, for a person."})


class ErrorSchema(Schema):
    """Every error has this shape."""

    error = Nested(ErrorDetailSchema)
