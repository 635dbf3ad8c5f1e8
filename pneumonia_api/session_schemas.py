"""Log-in, session and preferences."""

from apiflask import Schema
from apiflask.fields import Boolean, String
from apiflask.validators import Length, OneOf

from pneumonia_api.auth import LANGUAGES
from pneumonia_api.reading_schemas import is_printable


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
