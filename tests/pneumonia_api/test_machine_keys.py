"""Keys for programs: created once, limited to their rights, revoked at once, stored as digests."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from apiflask import APIFlask
from click.testing import Result
from werkzeug.test import TestResponse

from pneumonia_api.records.machine_keys import PREFIX, MachineKeys
from pneumonia_api.roles import Right
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error


def create(call: Call, name: str = "gateway", rights: object = ("upload",)) -> TestResponse:
    """As an admin."""
    return call("lead", "POST", "/v1/keys", json={"name": name, "rights": rights})


def use(app: APIFlask, key: str, path: str = "/v1/xrays", method: str = "GET") -> TestResponse:
    """Call a route with a key."""
    headers = {"Authorization": f"Bearer {key}"}
    return app.test_client().open(path, method=method, headers=headers)


def test_a_key_does_what_its_rights_say_until_it_is_revoked(app: APIFlask, call: Call) -> None:
    """It is shown once, its use is noted, and others go on."""
    answer = create(call, rights=["read", "upload"])
    assert answer.status_code == 201
    key = answer.json["key"]
    assert key.startswith(PREFIX) and len(key) > 40
    other = create(call, "other", ["read"]).json["key"]
    [listed, _] = call("lead", "GET", "/v1/keys").json["keys"]
    assert (listed["name"], listed["rights"], listed["by"]) == (
        "gateway",
        ["upload", "read"],
        "lead",
    )
    assert listed["used"] is None
    assert use(app, key).status_code == 200
    check_error(use(app, key, "/v1/site/silent", "POST"), 403, "not_an_admin")
    [listed, _] = call("lead", "GET", "/v1/keys").json["keys"]
    used = datetime.fromisoformat(listed["used"])
    assert timedelta() <= datetime.now(UTC) - used < timedelta(minutes=1)
    assert call("lead", "DELETE", "/v1/keys/gateway").status_code == 204
    check_error(use(app, key), 401, "not_logged_in")
    check_error(call("lead", "DELETE", "/v1/keys/gateway"), 404, "no_such_key")
    assert use(app, other).status_code == 200


def test_the_key_is_stored_nowhere(call: Call, client: redis.Redis) -> None:
    """Whoever reads all of Redis has no key that works."""
    key = create(call).json["key"]
    for name in client.keys("*"):
        assert key not in name
        if client.type(name) == "hash":
            assert key not in str(client.hgetall(name))
    assert "key" not in call("lead", "GET", "/v1/keys").json["keys"][0]


def test_what_a_program_sends_bears_its_name(app: APIFlask, call: Call) -> None:
    """Two programs are told apart, and neither can pass for a person or for the site's key."""
    key = create(call, rights=["site", "read"]).json["key"]
    headers = {"Authorization": f"Bearer {key}"}
    web = app.test_client()
    assert web.post("/v1/site/prevalence", json={"percent": 9}, headers=headers).status_code == 204
    assert web.get("/v1/site", headers=headers).json["prevalences"][0]["by"] == "machine:gateway"
    check_error(web.get("/v1/keys", headers=headers), 403, "not_an_admin")
    password = {"reads_first": True}
    answer = web.put("/v1/sessions/current/preferences", json=password, headers=headers)
    check_error(answer, 403, "not_allowed")


def test_two_keys_cannot_share_a_name(call: Call) -> None:
    """Else revoking one would leave the other without anybody's notice; the first one stays."""
    first = create(call).json["key"]
    check_error(create(call), 409, "name_taken")
    assert call("lead", "DELETE", "/v1/keys/gateway").status_code == 204
    assert create(call).json["key"] != first


@pytest.mark.parametrize("name", ["", "a b", "ä", "a/b", "-a", "a" * 33, "a\n"])
def test_names_that_would_not_fit_a_url_are_refused(call: Call, name: str) -> None:
    """422, and nothing is stored."""
    check_error(create(call, name), 422, "invalid_request")
    assert call("lead", "GET", "/v1/keys").json["keys"] == []


@pytest.mark.parametrize("rights", [[], ["everything"], None])
def test_a_key_needs_rights_that_there_are(call: Call, rights: object) -> None:
    """A key without any would only look harmless."""
    check_error(create(call, rights=rights), 422, "invalid_request")


def test_last_use_is_written_once_a_minute(client: redis.Redis) -> None:
    """A gateway that polls each second does not write to Redis each time."""
    keys, now = MachineKeys(client), datetime(2026, 11, 28, 12, tzinfo=UTC)
    key = keys.create("gateway", [Right.READ], by="lead", at=now)
    used = []
    for seconds in (0, 59, 60):
        keys.find_caller(key, now + timedelta(seconds=seconds))
        used += [each.used for each in keys.list_all()]
    assert used == [
        "2026-11-28T12:00:00+00:00",
        "2026-11-28T12:00:00+00:00",
        "2026-11-28T12:01:00+00:00",
    ]


def test_commands_create_list_and_revoke(app: APIFlask) -> None:
    """The key is the only line that is printed."""

    def run(*arguments: str) -> Result:
        return app.test_cli_runner().invoke(args=["keys", *arguments])

    created = run("add", "gateway", "--right", "read")
    [key] = created.output.splitlines()
    assert use(app, key).status_code == 200
    assert run("add", "gateway", "--right", "read").exit_code == 1
    assert run("add", "two words", "--right", "read").exit_code == 2
    assert run("add", "none").exit_code == 2
    assert run("list").output.startswith("gateway\tread\t20")
    assert run("revoke", "gateway").exit_code == 0
    assert run("revoke", "gateway").exit_code == 1
    check_error(use(app, key), 401, "not_logged_in")
