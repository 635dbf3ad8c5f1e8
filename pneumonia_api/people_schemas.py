"""People who may log in, and one-time links."""

from apiflask import Schema
from apiflask.fields import Boolean, Enum, List, Nested, String
from apiflask.validators import Length, Regexp
from marshmallow import ValidationError

from pneumonia_api.directory import ID_DIGITS
from pneumonia_api.passwords import MAX_PASSWORD, MIN_PASSWORD
from pneumonia_api.reading_schemas import is_printable
from pneumonia_api.roles import PROVIDER_MARK, Role, is_program


def is_name_of_person(name: str) -> None:
    """Raises ValidationError for a name that a program could have, or with blanks at its ends."""
    if is_program(name) or name != name.strip() or name.endswith(PROVIDER_MARK):
        raise ValidationError("Choose another name.")


def new_password() -> String:
    """A password that somebody chooses."""
    error = f"Use {MIN_PASSWORD} to {MAX_PASSWORD} characters."
    length = Length(MIN_PASSWORD, MAX_PASSWORD, error=error)
    return String(required=True, validate=[length, is_printable])


class PersonSchema(Schema):
    """A person by name."""

    user = String(required=True, validate=[Length(1, 64), is_printable])


class NewPersonSchema(Schema):
    """A person's name and roles."""

    user = String(required=True, validate=[Length(1, 64), is_printable, is_name_of_person])
    roles = List(Enum(Role, by_value=True), required=True)


class RolesSchema(PersonSchema):
    """A person's roles."""

    roles = List(Enum(Role, by_value=True), required=True)


class DisabledSchema(PersonSchema):
    """Whether a person may log in."""

    disabled = Boolean(required=True)


class EndedSessionsSchema(PersonSchema):
    """Which sessions of a person are to end."""

    session = String(
        validate=Regexp(f"^[0-9a-f]{{{ID_DIGITS}}}\\Z"),
        metadata={"description": "Its id; without one, all."},
    )


class LinkSchema(Schema):
    """A one-time link."""

    token = String(metadata={"description": "Its secret; it is not shown again."})
    until = String(metadata={"description": "Until when it works. ISO 8601, UTC."})


class RedeemedLinkSchema(Schema):
    """A link's secret, and the password that its person chooses."""

    token = String(required=True, validate=Length(1, 128))
    password = new_password()


class ChangedPasswordSchema(Schema):
    """A person's password, and the one that they choose."""

    current = String(required=True, validate=[Length(1, MAX_PASSWORD), is_printable])
    password = new_password()


class OpenSessionSchema(Schema):
    """An open session."""

    id = String()
    at = String(metadata={"description": "When it was opened. ISO 8601, UTC."})
    network = String(metadata={"description": "From where: an address, or a network of IPv6."})


class ListedPersonSchema(Schema):
    """A person with what an admin needs to know."""

    user = String()
    roles = List(Enum(Role, by_value=True))
    state = String(metadata={"description": "active, invited (no password yet) or disabled."})
    has_factor = Boolean(metadata={"description": "Whether their log-in needs a code."})
    link_until = String(metadata={"description": "Until when their one-time link works, or null."})
    logged_in = String(metadata={"description": "When they last logged in, or null."})
    subject = String(
        metadata={
            "description": "What the site's OpenID provider calls them, if they come from there."
        }
    )
    sessions = List(Nested(OpenSessionSchema))


class PeopleSchema(Schema):
    """Everybody who may log in."""

    people = List(Nested(ListedPersonSchema))
