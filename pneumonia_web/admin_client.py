"""A client of the part of the HTTP API that only admins may call."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict, cast
from urllib.parse import quote

from flask import current_app

from pneumonia_web.site_client import SiteClient


class MachineKey(TypedDict):
    """A key of a program, without the key itself. `used` is None until it was used."""

    name: str
    rights: list[str]
    by: str
    at: str
    used: str | None


class OpenSession(TypedDict):
    """A session of a person; `at` and `network` are empty for one from before they were kept."""

    id: str
    at: str
    network: str


class Person(TypedDict):
    """Somebody who may log in; `state` is active, invited or disabled."""

    user: str
    roles: list[str]
    state: str
    has_factor: bool
    link_until: str | None
    logged_in: str | None
    subject: NotRequired[str | None]  # an API of the previous release knows none
    sessions: list[OpenSession]


class Entry(TypedDict):
    """A line of the audit; what does not apply is empty."""

    id: str
    at: str
    who: str
    roles: str
    address: str
    action: str
    outcome: str
    xray: str
    about: str
    detail: str


class AdminClient(SiteClient):
    """The whole API: what everybody may call, and what admins may."""

    def list_keys(self, token: str) -> Sequence[MachineKey]:
        """The keys of programs."""
        answer = self._call("GET", "/v1/keys", token)
        return cast(Sequence[MachineKey], self._parse(answer, "keys")["keys"])

    def create_key(self, token: str, name: str, rights: Sequence[str]) -> str:
        """Create a key; returns it."""
        new = {"name": name, "rights": rights}
        return str(self._parse(self._call("POST", "/v1/keys", token, json=new), "key")["key"])

    def revoke_key(self, token: str, name: str) -> None:
        """Revoke a key."""
        self._call("DELETE", f"/v1/keys/{quote(name, safe='')}", token)

    def read_audit(self, token: str, wanted: Mapping[str, str]) -> tuple[list[Entry], str | None]:
        """A page of the audit, and where the next one begins."""
        answer = self._call("GET", "/v1/audit", token, params=wanted)
        page = self._parse(answer, "entries", "cursor")
        return cast(list[Entry], page["entries"]), cast(str | None, page["cursor"])

    def export_audit(self, token: str, wanted: Mapping[str, str]) -> bytes:
        """The audit as a table."""
        return self._call("GET", "/v1/audit.csv", token, params=wanted).content

    def list_people(self, token: str) -> Sequence[Person]:
        """Everybody who may log in."""
        answer = self._call("GET", "/v1/people", token)
        return cast(Sequence[Person], self._parse(answer, "people")["people"])

    def invite(self, token: str, user: str, roles: Sequence[str]) -> str:
        """Add a person; returns the secret of their one-time link."""
        answer = self._call("POST", "/v1/people", token, json={"user": user, "roles": roles})
        return str(self._parse(answer, "token")["token"])

    def make_link(self, token: str, user: str) -> str:
        """The secret of a new one-time link for a person."""
        answer = self._call("POST", "/v1/people/links", token, json={"user": user})
        return str(self._parse(answer, "token")["token"])

    def set_roles(self, token: str, user: str, roles: Sequence[str]) -> None:
        """Set a person's roles, which ends their sessions."""
        self._call("PUT", "/v1/people/roles", token, json={"user": user, "roles": roles})

    def set_disabled(self, token: str, user: str, disabled: bool) -> None:
        """Disable a person, or let them log in again."""
        self._call("PUT", "/v1/people/disabled", token, json={"user": user, "disabled": disabled})

    def end_sessions(self, token: str, user: str, session_id: str | None) -> None:
        """End one session of a person, or with None all of them."""
        chosen = {"session": session_id} if session_id else {}
        self._call("POST", "/v1/people/ended-sessions", token, json={"user": user, **chosen})


def admin_api() -> AdminClient:
    """The client of the API."""
    return current_app.extensions["api"]
