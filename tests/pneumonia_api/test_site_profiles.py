"""`/v1/acceptance/profiles`: admins have a profile fitted, and switch it on and off."""

from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from pneumonia_api.acceptance.calibration import to_log_odds, to_probability
from pneumonia_api.records import keys
from pneumonia_api.records.plans import Plans
from pneumonia_api.records.profiles import ProfileRecord, Profiles
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.acceptance.films import Hospital
from tests.pneumonia_api.acceptance.hospital import CARD, announce, confirm, judge, judge_by
from tests.pneumonia_api.acceptance.profile import PROFILE, for_model
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error
from tests.scrape import find_value, read_value

SHIFTED = Hospital(ill=0.4, shift=2.0, steeper=1.6)
PROFILES, SWITCH = "/v1/acceptance/profiles", "/v1/acceptance/profile"


def send(client: redis.Redis, films: int, seed: int, profile: ProfileRecord | None = None) -> None:
    """So many films of a hospital for which the model is too sure, each with its outcome."""
    for film in SHIFTED.take(films, seed):
        if profile:
            xray = judge_by(client, film.probability, profile)
        else:
            xray = judge(client, round(film.probability, 4))
        confirm(client, xray, "pneumonia" if film.ill else "normal")


def fit(client: redis.Redis, call: Call) -> dict[str, Any]:
    """A profile of 600 films."""
    send(client, 600, seed=3)
    answer = call("lead", "POST", PROFILES)
    assert answer.status_code == 201
    return dict(answer.json or {})


def test_only_admins_fit_and_switch(client: redis.Redis, call: Call) -> None:
    """A threshold is not a matter of taste."""
    announce(client)
    for method, path in (("GET", PROFILES), ("POST", PROFILES), ("POST", SWITCH)):
        check_error(call("ann", method, path, json={"profile": None}), 403, "not_an_admin")


def test_nothing_is_fitted_to_too_few(client: redis.Redis, call: Call) -> None:
    """Nothing is stored then, and nothing without a model."""
    check_error(call("lead", "POST", PROFILES), 503, "no_model")
    announce(client)
    send(client, 150, seed=3)
    check_error(call("lead", "POST", PROFILES), 422, "too_few_films")
    found = call("lead", "GET", PROFILES).json
    assert (found["profiles"], found["state"], found["patients"]) == ([], "off", 100)


def test_fitted_profile_is_stored_and_not_in_use(client: redis.Redis, call: Call) -> None:
    """It says on what it rests, and what it is worth on patients that were not used."""
    announce(client)
    profile = fit(client, call)
    found = call("lead", "GET", PROFILES).json
    assert found["profiles"] == [profile]
    assert (found["state"], found["switch"], found["switches"]) == ("off", None, [])
    basis = profile["basis"]
    assert (profile["by"], profile["model"], basis["origin"]) == ("lead", "m1", "service")
    assert (basis["judged"], basis["films"], basis["bases"]) == (600, 600, {"outcome": 600})
    assert basis["patients_ill"] + basis["patients_healthy"] == 600
    assert basis["first"] == basis["last"] == datetime.now(UTC).date().isoformat()
    assert profile["figures"]["error"][2] < profile["figures"]["model_error"][1]
    assert profile["slope"] == pytest.approx(1 / 1.6, abs=0.15)
    assert Profiles(client).get(profile["id"]).id == profile["id"]


def test_switched_on_it_is_what_is_assessed(client: redis.Redis, call: Call) -> None:
    """With a plan of its own, of what it promises; only films that it decided count."""
    announce(client)
    stored = fit(client, call)
    assert call("lead", "POST", SWITCH, json={"profile": stored["id"]}).status_code == 204
    found = call("lead", "GET", PROFILES).json
    assert (found["state"], found["switch"]["by"]) == ("applied", "lead")
    profile = Profiles(client).get(stored["id"])
    send(client, 40, seed=8)  # by a worker of the previous release
    send(client, 400, seed=9, profile=profile)
    seen = call("lead", "GET", "/v1/acceptance").json
    assert (seen["profile"], seen["plan"]["profile"]) == (profile.id, profile.id)
    assessment = seen["assessment"]
    assert (assessment["judged"], assessment["profile"]) == (400, profile.id)
    promised = stored["figures"]["specificity"]
    assert assessment["card"]["specificity"]["card"]["value"] == promised[0]
    assert seen["plan"]["expected"]["specificity"] == promised[0]
    assert seen["proposed"]["specificity"]["least"] == round(promised[0] - 0.1, 2)
    error = assessment["calibration"]["error"]
    assert error["low"] < 1.5 * assessment["calibration"]["chance"]
    assert error["value"] < stored["figures"]["model_error"][0] / 2


def test_switched_off_the_model_is_assessed_again(client: redis.Redis, call: Call) -> None:
    """By its own plan and films; on again, the profile's plan counts as it was."""
    announce(client)
    least = {"sensitivity": 0.9, "specificity": 0.8}
    assert call("lead", "POST", "/v1/acceptance/plan", json=least).status_code == 204
    profile = fit(client, call)["id"]
    call("lead", "POST", SWITCH, json={"profile": profile})
    written = call("lead", "GET", "/v1/acceptance").json["plan"]
    call("lead", "POST", SWITCH, json={"profile": None})
    found = call("lead", "GET", "/v1/acceptance").json
    assert (found["profile"], found["plan"]["least"]) == (None, least)
    assert found["assessment"]["judged"] == 600
    call("lead", "POST", SWITCH, json={"profile": profile})
    assert call("lead", "GET", "/v1/acceptance").json["plan"] == written
    switches = call("lead", "GET", PROFILES).json["switches"]
    assert [each["profile"] for each in switches] == [profile, None, profile]


def test_new_profile_is_fitted_to_films_that_a_profile_decided(
    client: redis.Redis, call: Call
) -> None:
    """To the model's own probability, which is in their records."""
    announce(client)
    first = fit(client, call)
    profile = Profiles(client).get(first["id"])
    call("lead", "POST", SWITCH, json={"profile": profile.id})
    send(client, 600, seed=4, profile=profile)
    second = call("lead", "POST", PROFILES).json
    assert second["basis"]["films"] == 1200
    assert second["slope"] == pytest.approx(1 / 1.6, abs=0.1)


def test_profile_of_another_model_needs_a_new_acceptance(client: redis.Redis, call: Call) -> None:
    """A new model is served: the profile decides nothing, no plan counts, and all say so."""
    announce(client)
    profiles, older = Profiles(client), for_model("m0")
    for each in (PROFILE, older):
        profiles.add(each)
    check_error(
        call("lead", "POST", SWITCH, json={"profile": older.id}), 409, "profile_of_another_model"
    )
    check_error(call("lead", "POST", SWITCH, json={"profile": "none"}), 404, "no_such_profile")
    client.hset(keys.PROFILES, "broken", "{}")
    check_error(call("lead", "POST", SWITCH, json={"profile": "broken"}), 409, "broken_profile")
    assert call("lead", "POST", SWITCH, json={"profile": PROFILE.id}).status_code == 204
    ServedModel(client).announce({**CARD, "version": "m2"})
    assert call("lead", "GET", PROFILES).json["state"] == "other_model"
    found = call("lead", "GET", "/v1/acceptance").json
    assert (found["profile"], found["plan"], found["assessment"]) == (None, None, None)
    site = call("ann", "GET", "/v1/site").json
    assert (site["profile_state"], site["profile"]["profile"]) == ("other_model", PROFILE.id)


def test_metrics_are_of_what_decides(client: redis.Redis, call: Call) -> None:
    """The alerts compare readings of model and profile together with the plan of both."""
    assert find_value(call("machine", "GET", "/metrics").text, "pneumonia_site_profile") is None
    announce(client)
    Profiles(client).add(PROFILE)
    least = {"sensitivity": 0.9, "specificity": 0.8}
    call("lead", "POST", "/v1/acceptance/plan", json=least)
    text = call("machine", "GET", "/metrics").text
    assert read_value(text, "pneumonia_site_profile", state="off") == 1
    assert read_value(text, "pneumonia_acceptance_least", model="m1", figure="specificity") == 0.8
    call("lead", "POST", SWITCH, json={"profile": PROFILE.id})
    text = call("machine", "GET", "/metrics").text
    assert read_value(text, "pneumonia_site_profile", state="applied") == 1
    assert read_value(text, "pneumonia_site_profile", state="off") == 0
    judge_name = f"m1+{PROFILE.id}"
    named = {"model": judge_name, "figure": "specificity"}
    assert read_value(text, "pneumonia_acceptance_least", **named) == 0.7
    assert find_value(text, "pneumonia_acceptance_least", model="m1") is None
    plan = Plans(client).find("m1", PROFILE.id)
    assert plan and (plan.judge, plan.by) == (judge_name, "lead")


def test_record_of_the_api_says_what_decided(client: redis.Redis, call: Call) -> None:
    """To every caller who gets the result, and to nobody in silent weeks."""
    announce(client)
    Profiles(client).add(PROFILE)
    local, alone = judge_by(client, 0.7, PROFILE), judge(client, 0.7)
    found = call("ann", "GET", f"/v1/xrays/{local.id}").json["prediction"]
    moved = to_probability(PROFILE.intercept + PROFILE.slope * to_log_odds(0.7))
    assert (found["profile"], found["model_probability"]) == (PROFILE.id, 0.7)
    assert (found["probability"], found["threshold"]) == (round(moved, 4), PROFILE.threshold)
    assert call("ann", "GET", f"/v1/xrays/{alone.id}").json["prediction"]["profile"] is None
    listed = call("ann", "GET", "/v1/xrays").json["xrays"]
    assert {each["prediction"]["profile"] for each in listed} == {PROFILE.id, None}
    call("lead", "POST", "/v1/site/silent", json={"silent": True})
    silent = call("ann", "GET", f"/v1/xrays/{local.id}")
    assert silent.json["prediction"] is None and PROFILE.id not in silent.text
    assert XrayStore(client).get(local.id).prediction
