"""What the audit records, and the one function that records it.

An entry of the Redis stream `keys.AUDIT` becomes a line of a file (`docs/decisions/audit.md`). Its
id is when it happened. Nothing of a patient is in it but the id of an X-ray.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import redis

from pneumonia_api.records import keys
from pneumonia_api.roles import MACHINE, Caller, Right, Role

SYSTEM = "worker"
"""Who does what nobody asked for, such as removing what is too old."""

COMMAND = "command"
"""Who does what somebody types on a host; whoever can do that has no name here."""

MAX_TEXT = 200
"""Characters of a field; names are shorter."""


class Action(StrEnum):
    """What somebody did, or tried to do."""

    LOG_IN = "log_in"
    GIVE_PASSWORD = "give_password"  # noqa: S105 - right, and the second factor is still to come
    LOG_OUT = "log_out"
    CHANGE_PASSWORD = "change_password"  # noqa: S105
    CHOOSE_PASSWORD = "choose_password"  # noqa: S105 - by a one-time link
    SET_PREFERENCES = "set_preferences"
    BEGIN_FACTOR = "begin_factor"
    CONFIRM_FACTOR = "confirm_factor"
    REMOVE_FACTOR = "remove_factor"
    UPLOAD = "upload"
    LIST_XRAYS = "list_xrays"
    SEE_XRAY = "see_xray"
    SEE_IMAGE = "see_image"
    SEE_THUMBNAIL = "see_thumbnail"
    SEE_FILM = "see_film"
    EXPORT_REPORT = "export_report"
    EXPORT_LABELS = "export_labels"
    READ = "read"
    REOPEN = "reopen"
    CONFIRM_OUTCOME = "confirm_outcome"
    DELETE = "delete"
    RESTORE = "restore"
    LIST_DELETED = "list_deleted"
    REMOVE_OLD = "remove_old"
    REMOVE_DELETED = "remove_deleted"
    SEE_READER_STUDY = "see_reader_study"
    SEE_ACCEPTANCE = "see_acceptance"
    EXPORT_ACCEPTANCE = "export_acceptance"
    SET_PREVALENCE = "set_prevalence"
    SET_SILENT = "set_silent"
    REQUIRE_FACTOR = "require_factor"
    WRITE_PLAN = "write_plan"
    FIT_PROFILE = "fit_profile"
    SWITCH_PROFILE = "switch_profile"
    SWITCH_MODEL = "switch_model"
    LIST_PEOPLE = "list_people"
    INVITE = "invite"
    MAKE_LINK = "make_link"
    SET_PASSWORD = "set_password"  # noqa: S105 - of somebody else, by the command
    SET_ROLES = "set_roles"
    SET_DISABLED = "set_disabled"
    DELETE_PERSON = "delete_person"
    END_SESSIONS = "end_sessions"
    LIST_KEYS = "list_keys"
    CREATE_KEY = "create_key"
    REVOKE_KEY = "revoke_key"
    SEE_AUDIT = "see_audit"
    EXPORT_AUDIT = "export_audit"
    CALL = "call"
    """A call that was refused, of a route that is not recorded otherwise."""


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    """Not allowed, or not who they said."""
    FAILED = "failed"
    """A fault of the service; a change may have been made."""


@dataclass(frozen=True)
class Event:
    """One thing that somebody did.

    `who` is a person's name, `machine` or `machine:NAME` for a program, SYSTEM, COMMAND, or "" for
    somebody unknown. `roles` are theirs at that moment, separated by spaces. `address` is where
    they called from. `about` is the person, key, profile or route that it concerns, `detail` what
    it was set to, `request` the id that logs have.
    """

    action: Action
    who: str
    roles: str = ""
    address: str = ""
    xray: str = ""
    about: str = ""
    detail: str = ""
    outcome: Outcome = Outcome.DONE
    request: str = ""


def record(client: redis.Redis, event: Event) -> None:
    """Add an event to the audit, in one round trip. Raises redis.RedisError: then it is not there.

    With a pipeline it is added when that is executed.
    """
    fields = {name: _shorten(str(value)) for name, value in vars(event).items()}
    # Redis stores an entry compactly if it has the same fields as the one before.
    client.xadd(keys.AUDIT, fields)


def write_roles(caller: Caller) -> str:
    """The roles of a person, or the rights of a program; `all` for the site's own key."""
    if caller.name == MACHINE:
        return "all"
    held: Iterable[StrEnum] = [each for each in Role if each in caller.roles]
    return " ".join(held if caller.is_person else [each for each in Right if each in caller.rights])


def _shorten(text: str) -> str:
    """One line of limited length: names of people are free text."""
    return "".join(each if each.isprintable() else " " for each in text)[:MAX_TEXT]
