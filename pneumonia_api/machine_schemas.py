"""Keys for programs."""

from apiflask import Schema
from apiflask.fields import Enum, List, Nested, String
from apiflask.validators import Length, Regexp

from pneumonia_api.records.machine_keys import NAME
from pneumonia_api.roles import Right


class NewKeySchema(Schema):
    """A key to be created."""

    name = String(
        required=True,
        validate=Regexp(
            f"^(?:{NAME.pattern})\\Z",
            error="Use 1 to 32 letters, digits, dots, hyphens and underscores.",
        ),
    )
    rights = List(Enum(Right, by_value=True), required=True, validate=Length(1))


class CreatedKeySchema(Schema):
    """A key that was just created."""

    name = String()
    key = String(metadata={"description": "The bearer token; it is not shown again."})


class KeySchema(Schema):
    """A key without the key itself."""

    name = String()
    rights = List(Enum(Right, by_value=True))
    by = String(metadata={"description": "Who created it."})
    at = String(metadata={"description": "When. ISO 8601, UTC."})
    used = String(metadata={"description": "When it was last used, to the minute; null: never."})


class KeysSchema(Schema):
    """All keys."""

    keys = List(Nested(KeySchema))
