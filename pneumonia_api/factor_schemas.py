"""The second factor."""

from apiflask import Schema
from apiflask.fields import Boolean, Integer, List, String
from apiflask.validators import Length

from pneumonia_api.passwords import MAX_PASSWORD
from pneumonia_api.reading_schemas import is_printable


class FactorSchema(Schema):
    """A person's second factor."""

    enrolled = Boolean(metadata={"description": "Whether a log-in needs a code."})
    required = Boolean(metadata={"description": "Whether the site requires it of everybody."})
    recovery_codes = Integer(metadata={"description": "How many are left."})


class PasswordSchema(Schema):
    """The person's password, once more."""

    password = String(required=True, validate=[Length(1, MAX_PASSWORD), is_printable])


class SecretSchema(Schema):
    """What the authenticator app needs; it is not shown again."""

    secret = String(metadata={"description": "In Base32, to be typed in."})
    address = String(metadata={"description": "The same as an otpauth address, for a QR code."})


class RecoveryCodesSchema(Schema):
    """Codes for the day when the phone is lost; each works once."""

    recovery_codes = List(String())


class RequirementSchema(Schema):
    """Whether everybody needs a second factor."""

    required = Boolean(required=True)
