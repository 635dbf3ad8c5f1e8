"""Log-in, session and preferences."""

from apiflask import Schema
from apiflask.fields import Boolean, Enum, List, String
from apiflask.validators import Length, OneOf

from pneumonia_api.accounts import LANGUAGES
from pneumonia_api.reading_schemas import is_printable
from pneumonia_api.roles import Role


class CredentialsSchema(Schema):
    """A log-in."""

    user = String(required=True, validate=[Length(1, 64), is_printable])
    password = String(required=True, validate=[Length(1, 256), is_printable])


class CodeSchema(Schema):
    """A code of the second factor."""

    code = String(required=True, validate=[Length(1, 32), is_printable])


class FinishedLogInSchema(CodeSchema):
    """What a log-in with a second factor still needs."""

    pending = String(required=True, validate=[Length(1, 128), is_printable])


class SessionSchema(Schema):
    """A started session; or of a log-in that needs a code, `pending` alone."""

    pending = String(metadata={"description": "To be sent with the code of the second factor."})
    token = String()
    user = String()
    reads_first = Boolean(metadata={"description": "The person's preference."})
    language = String(metadata={"description": "The person's preference; empty: the browser's."})
    admin = Boolean(metadata={"description": "Whether `roles` has admin."})
    roles = List(Enum(Role, by_value=True), metadata={"description": "What the person is."})
    by_provider = Boolean(
        metadata={"description": "The person logs in by the OpenID provider alone."}
    )


class LogOutSchema(Schema):
    """What is left to do after a log-out."""

    url = String(metadata={"description": "Where the browser logs out of the provider, too."})


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
