"""`/v1/acceptance`: admins write a plan, and what is sent from then on is measured by it."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from werkzeug.test import TestResponse

from pneumonia_api.acceptance.__main__ import main
from pneumonia_api.records.plans import Plans
from pneumonia_api.records.served_model import ServedModel
from tests.pneumonia_api.acceptance.hospital import CARD, announce, fill
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error

LEAST = {"sensitivity": 0.9, "specificity": 0.8}


def write(call: Call, user: str = "lead", **least: object) -> TestResponse:
    """Write a plan."""
    return call(user, "POST", "/v1/acceptance/plan", json={**LEAST, **least})


def test_only_admins_plan_and_see_it(client: redis.Redis, call: Call) -> None:
    """Figures of few films would tell a reader what their results were."""
    announce(client)
    check_error(call("ann", "GET", "/v1/acceptance"), 403, "not_allowed")
    check_error(write(call, "ann"), 403, "not_an_admin")
    assert Plans(client).list_all() == []


def test_nothing_is_assessed_without_a_model_or_a_plan(client: redis.Redis, call: Call) -> None:
    """Bounds that are chosen afterwards prove nothing; what the rule proposes is shown."""
    check_error(call("lead", "GET", "/v1/acceptance"), 503, "no_model")
    check_error(write(call), 503, "no_model")
    announce(client)
    fill(client, 60, 60)
    found = call("lead", "GET", "/v1/acceptance").json
    assert (found["model"], found["plan"], found["assessment"]) == ("m1", None, None)
    assert found["proposed"]["specificity"] == {"expected": 0.9, "least": 0.8}


def test_films_after_the_plan_are_measured_by_it(client: redis.Redis, call: Call) -> None:
    """Earlier ones do not count, and the figures are those of the command."""
    announce(client)
    fill(client, 60, 60, 60)
    assert write(call).status_code == 204
    empty = call("lead", "GET", "/v1/acceptance").json["assessment"]
    assert (empty["judged"], empty["verdict"]["name"]) == (0, "too_few_to_say")
    assert (empty["overall"]["auc"], empty["calibration"]) == (None, None)

    fill(client, 60, 60, 2)
    found = call("lead", "GET", "/v1/acceptance").json
    assert found["plan"]["by"] == "lead"
    assert (found["plan"]["expected"]["specificity"], found["plan"]["least"]) == (0.9, LEAST)
    assessment = found["assessment"]
    assert assessment["verdict"]["name"] == "holds_here"
    assert assessment["bases"] == {"outcome": 120}
    assert (assessment["overall"]["specificity"]["count"], assessment["judged"]) == (58, 120)
    assert assessment["card"]["auc"]["change"]["value"] > 0
    assert assessment["bets"]["specificity"]["alarm"] is None
    assert [each["width"] for each in assessment["needed"]["sensitivity"]] == [0.2, 0.1, 0.05]
    assert assessment["groups"]["view"]["PA"]["films"] == 120


def test_command_goes_by_the_plan(
    client: redis.Redis, redis_url: str, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless its options say otherwise."""
    announce(client)
    fill(client, 60, 60, 60)
    assert write(call, specificity=0.7).status_code == 204
    fill(client, 60, 60, 2)
    assert main(["--redis-url", redis_url]) == 0
    assert "specificity is at least 0.7" in capsys.readouterr().out
    assert main(["--redis-url", redis_url, "--since", "2020-01-01"]) == 3


def test_new_model_needs_a_plan_of_its_own(client: redis.Redis, call: Call) -> None:
    """The old plan stays in the list, and nothing is measured by it."""
    announce(client)
    assert write(call).status_code == 204
    ServedModel(client).announce({**CARD, "version": "m2"})
    found = call("lead", "GET", "/v1/acceptance").json
    assert (found["plan"], found["assessment"]) == (None, None)
    assert [each["model"] for each in found["plans"]] == ["m1"]


@pytest.mark.parametrize(
    ("least", "code"),
    [
        ({"sensitivity": 0.96}, "useless_plan"),
        ({"specificity": 0.9}, "useless_plan"),
        ({"specificity": 0}, "invalid_request"),
        ({"specificity": 80}, "invalid_request"),
        ({"specificity": "much"}, "invalid_request"),
    ],
)
def test_plan_that_tests_nothing_is_refused(
    client: redis.Redis, call: Call, least: dict[str, object], code: str
) -> None:
    """The least has to be below what the card says, and a share."""
    announce(client)
    check_error(write(call, **least), 422, code)
    assert Plans(client).list_all() == []


def test_plan_is_written_once(client: redis.Redis) -> None:
    """Also if the reply of the first attempt was lost."""
    now = datetime.now(UTC)
    for _ in range(2):
        Plans(client).add("m1", LEAST, LEAST, by="lead", at=now)
    Plans(client).add("m1", LEAST, LEAST, by="lead", at=now + timedelta(seconds=1))
    assert len(Plans(client).list_all()) == 2
