"""Authentication: who sent a request, by a person's session token or a program's key."""

import hmac
from datetime import UTC, datetime

from apiflask import HTTPTokenAuth
from flask import current_app, g

from monitoring.logs.requests import note
from pneumonia_api.accounts import Accounts, NotAPerson
from pneumonia_api.records.machine_keys import MachineKeys
from pneumonia_api.roles import MACHINE, NODE, Caller, Right
from pneumonia_api.silence import note_silence

bearer = HTTPTokenAuth(
    name="bearer", description="A person's session token, or a key for machines."
)


@bearer.verify_token
def find_name(token: str) -> str | None:
    """The caller's name, or None for an invalid token.

    `rules` asks first, for every request; a route that asks again gets the same answer.
    """
    if "caller" not in g:
        g.caller = identify(token)
        if g.caller:
            note_silence(g.caller.is_person)
            note(user=g.caller.name)
    return g.caller.name if g.caller else None


def identify(token: str) -> Caller | None:
    """The caller with this token, or None."""
    if hmac.compare_digest(token.encode(), current_app.config["API_KEY"].encode()):
        return Caller(MACHINE)
    node_key: str = current_app.config["DICOM_KEY"]
    if node_key and hmac.compare_digest(token.encode(), node_key.encode()):
        return Caller(NODE, rights=frozenset({Right.UPLOAD}))
    machines: MachineKeys = current_app.extensions["machine_keys"]
    if program := machines.find_caller(token, datetime.now(UTC)):
        return program
    accounts: Accounts = current_app.extensions["accounts"]
    return accounts.find_caller(token)


def find_person() -> str:
    """The name of the person who sent this request. Raises NotAPerson."""
    caller = find_current()
    if not caller.is_person:
        raise NotAPerson
    return caller.name


def find_current() -> Caller:
    """The caller of this request, who was found."""
    caller: Caller = g.caller
    return caller
