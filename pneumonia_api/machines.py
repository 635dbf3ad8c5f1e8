"""The HTTP API, version 1: keys for programs, which admins create and revoke."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api import machine_schemas
from pneumonia_api.auth import bearer
from pneumonia_api.records.machine_keys import MachineKey, MachineKeys
from pneumonia_api.request import check_body, check_query
from pneumonia_api.roles import Right

machines = APIBlueprint("machines", __name__, url_prefix="/v1/keys", tag="V1")
machines.before_request(check_body)
machines.before_request(check_query)


def _keys() -> MachineKeys:
    return current_app.extensions["machine_keys"]


@machines.get("")
@machines.auth_required(bearer)
@machines.output(machine_schemas.KeysSchema)
def list_keys() -> dict[str, list[dict[str, Any]]]:
    """All keys, by name, without the keys themselves."""
    return {"keys": [_describe(key) for key in _keys().list_all()]}


@machines.post("")
@machines.auth_required(bearer)
@machines.input(machine_schemas.NewKeySchema, arg_name="new")
@machines.output(machine_schemas.CreatedKeySchema, status_code=201)
@machines.doc(responses={403: "The caller is no admin.", 409: "`name_taken`: revoke that one."})
def create_key(new: dict[str, Any]) -> dict[str, str]:
    """Create a key, which no later answer shows."""
    by = str(bearer.current_user)
    key = _keys().create(new["name"], new["rights"], by=by, at=datetime.now(UTC))
    return {"name": new["name"], "key": key}


@machines.delete("/<name>")
@machines.auth_required(bearer)
@machines.output({}, status_code=204)
@machines.doc(responses={403: "The caller is no admin.", 404: "No such key."})
def revoke_key(name: str) -> str:
    """Revoke a key: the next request with it is refused."""
    _keys().revoke(name)
    return ""


def _describe(key: MachineKey) -> dict[str, Any]:
    rights = [right for right in Right if right in key.rights]
    return {**vars(key), "rights": rights, "used": key.used or None}
