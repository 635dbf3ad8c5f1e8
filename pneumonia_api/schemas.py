"""The shapes of HTTP API version 1, from which `/openapi.json` is made."""

from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, File, Float, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range
from marshmallow import post_dump

from model.reading.ages import AGES
from pneumonia_api.auth import LANGUAGES
from pneumonia_api.reading_schemas import ReadingSchema, ReviewSchema, is_printable
from pneumonia_api.records.lists import SHOWN
from pneumonia_api.records.record import DECISIONS, FINDINGS, STATUSES
from pneumonia_api.records.worklist import ORDERS, TABS
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
    source = String(metadata={"description": "Who sent it: a user's name, or `machine`."})
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

    @post_dump
    def withhold(self, record: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Whatever route answers with a record withholds the result in silent weeks."""
        return withhold(record)


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
    readings = List(Nested(ReadingSchema), metadata={"description": "All of them, oldest first."})
    outcomes = List(Nested(OutcomeSchema), metadata={"description": "All of them, oldest first."})


class DeletionSchema(Schema):
    """When the caller deleted a record."""

    at = String(metadata={"description": "ISO 8601, UTC."})
    until = String(metadata={"description": "Until when it can be restored. ISO 8601, UTC."})


class DeletedXraySchema(ListedXraySchema):
    """A record that the caller deleted."""

    deletion = Nested(DeletionSchema)


class DeletionsSchema(Schema):
    """The records that the caller deleted and can restore."""

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


class CredentialsSchema(Schema):
    """A log-in."""

    user = String(required=True, validate=[Length(1, 64), is_printable])
    password = String(required=True, validate=[Length(1, 256), is_printable])


class SessionSchema(Schema):
    """A started session."""

    token = String()
    user = String()
    reads_first = Boolean(metadata={"description": "The person's preference."})
    language = String(metadata={"description": "The person's preference; empty: the browser's."})
    admin = Boolean(metadata={"description": "May change what applies to the whole site."})


class PreferencesSchema(Schema):
    """How a person reads."""

    reads_first = Boolean(
        required=True,
        metadata={"description": "Show AI results only after the person's own reading."},
    )
    language = String(
        validate=OneOf(("", *LANGUAGES)),
        metadata={
            "description": "Language of the pages; empty: the browser's. Kept where it is missing."
        },
    )


class ErrorDetailSchema(Schema):
    """What went wrong."""

    code = String(metadata={"description": "Stable, for machines."})
    message = String(metadata={"description": "One sentence, for a person."})


class ErrorSchema(Schema):
    """Every error has this shape."""

    error = Nested(ErrorDetailSchema)
