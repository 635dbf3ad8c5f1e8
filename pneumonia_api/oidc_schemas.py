"""Log-in by the site's OpenID provider."""

from apiflask import Schema
from apiflask.fields import Boolean, String
from apiflask.validators import Length

from pneumonia_api.reading_schemas import is_printable


class BeginningSchema(Schema):
    """How a log-in begins."""

    again = Boolean(
        load_default=False,
        metadata={"description": "The person has to log in there also if they are logged in."},
    )


class BegunSchema(Schema):
    """Where the browser goes."""

    url = String(metadata={"description": "The provider's page."})
    state = String(metadata={"description": "What it sends back, to be kept for this browser."})


class CodeSchema(Schema):
    """What the provider sent back."""

    state = String(required=True, validate=[Length(1, 128), is_printable])
    code = String(required=True, validate=[Length(1, 4096), is_printable])
    iss = String(
        validate=[Length(1, 2048), is_printable],
        metadata={"description": "Which provider it says that it is (RFC 9207), if it does."},
    )
