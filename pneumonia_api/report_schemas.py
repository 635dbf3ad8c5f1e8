"""The shapes of reports in HTTP API version 1."""

from apiflask import Schema
from apiflask.fields import String
from apiflask.validators import OneOf

from pneumonia_api.accounts import LANGUAGES


class ReportQuerySchema(Schema):
    """What a report may be asked for with."""

    language = String(
        load_default=None,
        validate=OneOf(LANGUAGES),
        metadata={"description": "Else the language that the caller chose, or English."},
    )
