"""The routes of published models, with what a worker would list."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from apiflask import APIFlask

from pneumonia_api.records.models import OPEN_FOR, Models, State
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error

VERSIONS = {
    "candidate": "a" * 12,
    "refused": "b" * 12,
    "approved": "c" * 12,
    "served": "d" * 12,
}


@pytest.fixture
def models(app: APIFlask) -> Models:
    """A list with a model in each state."""
    found: Models = app.extensions["models"]
    figures = {"auc_roc": [0.98, 0.97, 0.99]}
    known = {"manifest": "e" * 64, "trained_at": None, "figures": figures}
    found.announce([{"version": each, "state": state, **known} for state, each in VERSIONS.items()])
    return found


def test_the_list_has_state_and_figures(call: Call, models: Models) -> None:
    """And how the last wish ended."""
    listed = call("lead", "GET", "/v1/models").json
    assert listed["has_store"] and listed["wish"] is None
    assert {each["state"]: each["version"] for each in listed["models"]} == VERSIONS
    assert listed["models"][0]["figures"] == {"auc_roc": [0.98, 0.97, 0.99]}


@pytest.mark.parametrize(
    ("route", "allowed"),
    [
        ("candidate", {"candidate", "refused", "approved"}),
        ("promotion", {"candidate", "refused"}),
        ("return", {"approved"}),
    ],
)
def test_a_wish_fits_the_state_of_its_model(
    call: Call, models: Models, client: redis.Redis, route: str, allowed: set[str]
) -> None:
    """Going back skips the gate, so it is for what has passed it before."""
    for state, version in VERSIONS.items():
        answer = call("lead", "POST", f"/v1/models/{route}", json={"version": version})
        if state in allowed:
            assert answer.status_code == 202
            assert (answer.json["state"], answer.json["by"]) == ("waiting", "lead")
            assert call("lead", "GET", "/v1/models").json["wish"] == answer.json
        else:
            check_error(answer, 409, "wrong_model_state")
        client.delete("models:wish")
    for version, status, code in (
        ("f" * 12, 404, "no_such_model"),
        ("../current", 422, "invalid_request"),
    ):
        path = f"/v1/models/{route}"
        check_error(call("lead", "POST", path, json={"version": version}), status, code)


def test_one_wish_at_a_time(call: Call, models: Models) -> None:
    """Until it has ended, or was lost with its worker."""
    body = {"version": VERSIONS["candidate"]}
    assert call("lead", "POST", "/v1/models/promotion", json=body).status_code == 202
    check_error(call("machine", "POST", "/v1/models/candidate", json=body), 409, "wish_open")
    now = datetime.now(UTC)
    taken = models.take(now)
    assert taken is not None and taken.state is State.RUNNING
    assert models.take(now) is None
    check_error(call("machine", "POST", "/v1/models/candidate", json=body), 409, "wish_open")
    late = now + OPEN_FOR + timedelta(seconds=1)
    lost = models.find_wish(late)
    assert lost is not None and lost.state is State.LOST
    models.end(taken, State.REFUSED, ["Its AUC is worse."], now)
    wish = call("lead", "GET", "/v1/models").json["wish"]
    assert (wish["state"], wish["reasons"]) == ("refused", ["Its AUC is worse."])
    assert call("machine", "POST", "/v1/models/candidate", json=body).status_code == 202
    models.end(taken, State.DONE, [], now)  # of a worker that was thought lost
    assert call("lead", "GET", "/v1/models").json["wish"]["state"] == "waiting"


def test_without_a_store_there_is_nothing_to_choose(call: Call, app: APIFlask) -> None:
    """As on one machine by default, and before a worker has listed anything."""
    for announced in (False, True):
        if announced:
            app.extensions["models"].announce(None)
        assert call("lead", "GET", "/v1/models").json == {
            "has_store": False,
            "models": [],
            "wish": None,
        }
        body = {"version": "a" * 12}
        for route in ("candidate", "promotion", "return"):
            answer = call("lead", "POST", f"/v1/models/{route}", json=body)
            check_error(answer, 409, "no_artifact_store")
