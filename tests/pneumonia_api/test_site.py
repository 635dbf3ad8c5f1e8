"""The site's prevalence: who may state it, what is kept, and what results are worth at it."""

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.records.site import SHOWN
from pneumonia_api.roles import Role
from pneumonia_api.worth import find_worth
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error

RATIOS = {"pneumonia_likely": [12.0, 8.0, 20.0], "no_pneumonia_detected": [0.01, 0.002, 0.02]}


def state(call: Call, user: str, percent: object) -> TestResponse:
    """State the prevalence."""
    return call(user, "POST", "/v1/site/prevalence", json={"percent": percent})


@pytest.mark.parametrize(
    ("prevalence", "ratio", "expected"),
    # Sensitivity 0.9 and specificity 0.9 have the ratio 9: of 1,000 with 100 ill, 90 of 180 called
    # ill are. With 80 and 80 % at 25 %: 200 of 350.
    [(0.1, 9.0, 90 / 180), (0.25, 4.0, 200 / 350), (0.5, 1.0, 0.5), (0.2, 5.75, 0.5898)],
)
def test_worth_is_what_counting_patients_gives(
    prevalence: float, ratio: float, expected: float
) -> None:
    """The predictive value from the four-fold table."""
    found = find_worth(prevalence, {"x": [ratio, ratio / 2, ratio * 2]})["x"]
    assert found.share == pytest.approx(expected, abs=1e-4)
    assert found.low < found.share < found.high
    assert found.low > 0 and found.high < 1


def test_site_without_a_prevalence_says_nothing(app: APIFlask, call: Call) -> None:
    """Nor with one, if the running model was not measured."""
    app.extensions["served_model"].announce({"version": "m1"})
    empty = call("ann", "GET", "/v1/site").json
    assert (empty["prevalences"], empty["worth"], empty["images"]) == ([], {}, None)
    state(call, "lead", 20)
    assert call("ann", "GET", "/v1/site").json["worth"] == {}


def test_admin_states_it_and_everybody_sees_what_results_are_worth(
    app: APIFlask, call: Call
) -> None:
    """With who stated it; a later statement does not erase an earlier one."""
    findings = {"version": "m1", "images": 624, "patients": 428, "ratios": RATIOS}
    app.extensions["served_model"].announce({"version": "m1", "findings": findings})
    assert state(call, "lead", 50).status_code == 204
    assert state(call, "lead", 20).status_code == 204
    found = call("ann", "GET", "/v1/site").json
    stated = [(each["percent"], each["by"]) for each in found["prevalences"]]
    assert stated == [(20, "lead"), (50, "lead")]
    assert all(each["at"] for each in found["prevalences"])
    assert (found["model"], found["images"], found["patients"]) == ("m1", 624, 428)
    assert found["worth"]["pneumonia_likely"] == pytest.approx(
        {"share": 0.75, "low": 2 / 3, "high": 5 / 6}
    )


def test_who_is_no_admin_is_refused(app: APIFlask, call: Call, headers: dict[str, str]) -> None:
    """403, and nothing is stored; the key for machines may; an admin can stop being one."""
    check_error(state(call, "ann", 20), 403, "not_an_admin")
    anonymous = app.test_client().post("/v1/site/prevalence", json={"percent": 20})
    assert anonymous.status_code == 401
    assert call("ann", "GET", "/v1/site").json["prevalences"] == []
    answer = app.test_client().post("/v1/site/prevalence", json={"percent": 9}, headers=headers)
    assert answer.status_code == 204
    assert call("ann", "GET", "/v1/site").json["prevalences"][0]["by"] == "machine"
    app.extensions["accounts"].set_roles("lead", [Role.LEAD])
    check_error(state(call, "lead", 20), 401, "not_logged_in")


@pytest.mark.parametrize("percent", [0, -1, 91, 100, "many", None, "nan"])
def test_what_is_no_prevalence_is_refused(call: Call, percent: object) -> None:
    """422: at 0 and 100 no result would mean anything."""
    check_error(state(call, "lead", percent), 422, "invalid_request")
    assert call("lead", "GET", "/v1/site").json["prevalences"] == []


def test_long_history_is_cut_in_the_answer_only(app: APIFlask, call: Call) -> None:
    """The newest are shown, all are kept."""
    for number in range(1, SHOWN + 4):
        state(call, "lead", number)
    shown = call("ann", "GET", "/v1/site").json["prevalences"]
    assert [each["percent"] for each in shown] == list(range(SHOWN + 3, 3, -1))
    assert app.extensions["redis"].llen("site:prevalence") == SHOWN + 3


def test_commands_make_and_unmake_admins(app: APIFlask) -> None:
    """A new password leaves an admin one; the log-in says it."""
    run = app.test_cli_runner().invoke
    accounts = app.extensions["accounts"]
    password = run(args=["users", "add", "eve", "--admin"]).output.strip()
    opened = app.test_client().post("/v1/sessions", json={"user": "eve", "password": password})
    assert opened.json["admin"] is True
    run(args=["users", "add", "eve"])
    assert accounts.list_roles("eve") == {*Role}
    assert run(args=["users", "admin", "eve", "--revoke"]).exit_code == 0
    assert accounts.list_roles("eve") == {*Role} - {Role.ADMIN}
    assert run(args=["users", "admin", "eve"]).exit_code == 0
    assert accounts.list_roles("eve") == {*Role}
    assert run(args=["users", "admin", "nobody"]).exit_code == 1
    assert accounts.list_roles("machine") == frozenset()
