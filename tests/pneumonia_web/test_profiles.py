"""Site profiles on the pages: never silently, and on each result that one decided."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis

from pneumonia_api.records import keys
from pneumonia_api.records.profiles import ProfileRecord, Profiles
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.acceptance.films import Hospital
from tests.pneumonia_api.acceptance.hospital import confirm, judge, judge_by
from tests.pneumonia_api.acceptance.profile import for_model
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

SHIFTED = Hospital(ill=0.4, shift=2.0, steeper=1.6)
NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


@pytest.fixture
def client(stack: Stack) -> Iterator[redis.Redis]:
    """The site's Redis; plans, profiles and X-rays are taken back."""
    opened = connect(stack)
    known = set(opened.zrange(keys.XRAYS, 0, -1))
    yield opened
    opened.delete(keys.PLANS, keys.PROFILES, keys.SWITCHES)
    xrays = XrayStore(opened)
    for xray_id in set(opened.zrange(keys.XRAYS, 0, -1)) - known:
        xrays.delete(xrays.get(xray_id))
    opened.close()


@pytest.fixture
def profile(client: redis.Redis) -> ProfileRecord:
    """One for the model of the site, stored and not switched on."""
    made = for_model(str(ServedModel(client).get_version()))
    Profiles(client).add(made)
    return made


def test_profile_is_fitted_on_the_page(doctor: Visitor, client: redis.Redis, stack: Stack) -> None:
    """Refused with too few; stored, it decides nothing until it is switched on."""
    page = doctor.get("/acceptance").text
    assert "None is switched on: the model alone decides." in page
    answer = doctor.post("/acceptance/profiles", "/acceptance", data={})
    assert answer.status_code == 422 and "needs films of more patients" in answer.text
    model = str(ServedModel(client).get_version())
    for number, film in enumerate(SHIFTED.take(500, seed=2)):
        xray = judge(client, round(film.probability, 4), f"Fitted {number}")
        assert xray.prediction
        prediction = replace(xray.prediction, model=model)
        XrayStore(client).add(replace(xray, prediction=prediction))
        confirm(client, xray, "pneumonia" if film.ill else "normal")
    page = doctor.post("/acceptance/profiles", "/acceptance", data={}).text
    [stored] = Profiles(client).list_all()
    assert f"The site profile {stored.id} was stored. It is not in use." in page
    assert stored.basis.films >= 500  # and those that other tests left
    assert f"{stored.basis.films} films of" in page and stored.by == stack.user
    assert Profiles(client).read_active(model).state == "off"


def test_switch_is_seen_by_all(
    doctor: Visitor, client: redis.Redis, profile: ProfileRecord
) -> None:
    """On the page, with who and when, and on *This site*, which everybody sees."""
    page = doctor.post("/acceptance/profile", "/acceptance", data={"profile": profile.id}).text
    assert f"The site profile {profile.id} decides from now on." in page
    assert "is switched on: the figures are of what it decided" in page
    assert "Least sensitivity <strong>92\u00a0%</strong>" in page
    site = doctor.get("/site").text
    assert f"by this hospital's own site profile {profile.id}" in site
    page = doctor.post("/acceptance/profile", "/acceptance", data={"profile": ""}).text
    assert "The model alone decides from now on." in page
    assert profile.id not in doctor.get("/site").text


def test_profile_of_another_model_says_so(
    doctor: Visitor, client: redis.Redis, profile: ProfileRecord
) -> None:
    """It cannot be switched on, and one that is on decides nothing."""
    older = replace(profile, model="0123456789ab")
    Profiles(client).add(older)
    answer = doctor.post("/acceptance/profile", "/acceptance", data={"profile": older.id})
    assert answer.status_code == 409 and "This site profile is for another model" in answer.text
    Profiles(client).switch_on(older.id, older.model, by="lead", at=NOW)
    page = doctor.get("/acceptance").text
    assert "A new model needs a new acceptance." in page
    assert "but decides nothing" in doctor.get("/site").text
    client.hset(keys.PROFILES, older.id, "{}")
    assert "but is damaged, so the model alone decides" in doctor.get("/acceptance").text
    german = doctor.get("/acceptance", headers={"Accept-Language": "de"}).text
    assert "ist eingeschaltet, aber beschädigt" in german


def test_result_and_export_say_what_decided(
    doctor: Visitor, client: redis.Redis, profile: ProfileRecord
) -> None:
    """In one plain line; a result of the model alone has none."""
    local, alone = judge_by(client, 0.97, profile), judge(client, 0.9, "profiled")
    xray = replace(local, reference="profiled")
    XrayStore(client).delete(local)
    XrayStore(client).add(xray)
    line = f"by this hospital's own site profile {profile.id}, not by the model card"
    assert line in doctor.get(f"/xrays/{xray.id}").text
    assert "site profile" not in doctor.get(f"/xrays/{alone.id}").text
    rows = csv.DictReader(io.StringIO(doctor.get("/xrays.csv?q=profiled").text))
    assert {row["id"]: row["site profile"] for row in rows} == {
        xray.id: profile.id,
        alone.id: "",
    }
