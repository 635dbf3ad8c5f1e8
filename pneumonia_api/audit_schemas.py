"""What a query of the audit sends along, and what it gets."""

from apiflask import Schema
from apiflask.fields import Date, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range, Regexp

from pneumonia_api.audit.events import Action, Outcome

ACTIONS = [each.value for each in Action]


class WantedSchema(Schema):
    """Which lines."""

    who = String(load_default=None, validate=Length(max=64))
    action = String(load_default=None, validate=OneOf(ACTIONS))
    xray = String(load_default=None, validate=Regexp("[0-9a-f]{32}\\Z"))
    since = Date(load_default=None, metadata={"description": "The first day, UTC."})
    until = Date(load_default=None, metadata={"description": "The last day, UTC."})


class AuditQuerySchema(WantedSchema):
    """Which lines, and which page of them."""

    cursor = String(load_default=None, validate=Regexp("[0-9]{1,15}-[0-9]{1,15}\\Z"))
    limit = Integer(load_default=50, validate=Range(1, 500))


class EntrySchema(Schema):
    """One thing that somebody did."""

    id = String()
    at = String(metadata={"description": "ISO 8601, UTC."})
    who = String(metadata={"description": "Empty for somebody unknown."})
    roles = String(metadata={"description": "At that moment, separated by spaces."})
    address = String()
    action = String(validate=OneOf(ACTIONS))
    outcome = String(validate=OneOf([each.value for each in Outcome]))
    xray = String()
    about = String(metadata={"description": "The person, key, profile or route it concerns."})
    detail = String()
    request = String(metadata={"description": "The id that the logs have."})


class AuditSchema(Schema):
    """A page of the audit, the newest first."""

    entries = List(Nested(EntrySchema))
    cursor = String(metadata={"description": "For the next page; null on the last."})
