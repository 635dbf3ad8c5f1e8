"""`records.profiles`: a profile is what was stored, or it decides nothing."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from pneumonia_api.records import keys
from pneumonia_api.records.profiles import (
    Active,
    BrokenProfile,
    ProfileMissing,
    ProfileOfAnotherModel,
    Profiles,
    name_judge,
)
from tests.pneumonia_api.acceptance.profile import BASIS, PROFILE, for_model

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


def test_stored_profile_is_read_as_it_was(client: redis.Redis) -> None:
    """Its id is a digest of all of it, so another number is another profile."""
    profiles = Profiles(client)
    profiles.add(PROFILE)
    profiles.add(PROFILE)
    assert profiles.get(PROFILE.id) == PROFILE
    assert profiles.list_all() == [PROFILE]
    assert replace(PROFILE, threshold=0.21).id != PROFILE.id
    assert profiles.read_active("m1") == Active("off")


def test_profile_decides_for_its_model_alone(client: redis.Redis) -> None:
    """While another is served it decides nothing, and does again when its own is back."""
    profiles = Profiles(client)
    profiles.add(PROFILE)
    profiles.switch_on(PROFILE.id, "m1", by="lead", at=NOW)
    active = profiles.read_active("m1")
    assert (active.state, active.profile) == ("applied", PROFILE)
    assert active.switch and (active.switch.by, active.switch.profile) == ("lead", PROFILE.id)
    other = profiles.read_active("m2")
    assert (other.state, other.profile) == ("other_model", None)
    assert profiles.find_applied("m1") == PROFILE.id
    assert profiles.find_applied("m2") is None


def test_switches_are_kept(client: redis.Redis) -> None:
    """Off and on again; what changes nothing is no entry."""
    profiles = Profiles(client)
    profiles.add(PROFILE)
    profiles.switch_off(by="lead", at=NOW)
    assert profiles.list_switches() == []
    for hours in range(2):
        profiles.switch_on(PROFILE.id, "m1", by="lead", at=NOW + timedelta(hours=hours))
    profiles.switch_off(by="ann", at=NOW + timedelta(hours=3))
    assert profiles.read_active("m1").state == "off"
    profiles.switch_on(PROFILE.id, "m1", by="lead", at=NOW + timedelta(hours=4))
    found = [(each.profile, each.by) for each in profiles.list_switches()]
    assert found == [(PROFILE.id, "lead"), (None, "ann"), (PROFILE.id, "lead")]


def test_profile_that_cannot_decide_is_not_switched_on(client: redis.Redis) -> None:
    """Of another model, unknown or damaged: nothing changes."""
    profiles, other = Profiles(client), for_model("m2")
    profiles.add(other)
    client.hset(keys.PROFILES, PROFILE.id, "{}")
    for profile_id, error in (
        (other.id, ProfileOfAnotherModel),
        ("nothing", ProfileMissing),
        (PROFILE.id, BrokenProfile),
    ):
        with pytest.raises(error):
            profiles.switch_on(profile_id, "m1", by="lead", at=NOW)
    assert profiles.list_switches() == []
    assert profiles.list_all() == [other]


def damage(**changed: Any) -> str:
    """The text of the profile with other values."""
    return json.dumps({**asdict(PROFILE), **changed})


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        damage(threshold=0.3),  # its digest is another
        damage(more=1),
        json.dumps({name: v for name, v in asdict(PROFILE).items() if name != "by"}),
    ],
)
def test_damaged_profile_decides_nothing(client: redis.Redis, text: str) -> None:
    """The model decides alone, and whoever asks is told."""
    profiles = Profiles(client)
    profiles.add(PROFILE)
    profiles.switch_on(PROFILE.id, "m1", by="lead", at=NOW)
    client.hset(keys.PROFILES, PROFILE.id, text)
    active = profiles.read_active("m1")
    assert (active.state, active.profile) == ("broken", None)
    client.hdel(keys.PROFILES, PROFILE.id)
    assert profiles.read_active("m1").state == "broken"
    client.rpush(keys.SWITCHES, text)
    assert profiles.read_active("m1").state == "broken"


@pytest.mark.parametrize(
    "useless",
    [
        {"slope": 0.0},
        {"slope": float("nan")},
        {"threshold": 0.5},
        {"uncertain": [0.0, 0.4]},
        {"uncertain": [0.1, 1.0]},
        {"basis": replace(BASIS, patients_ill=99)},
        {"basis": replace(BASIS, patients_healthy=99)},
    ],
)
def test_profile_that_nobody_could_have_fitted_decides_nothing(
    client: redis.Redis, useless: dict[str, Any]
) -> None:
    """Also with the right digest: out of range, or of fewer patients than stated."""
    forged = replace(PROFILE, **useless)
    client.hset(keys.PROFILES, forged.id if "nan" not in str(useless) else "x", _write(forged))
    with pytest.raises(BrokenProfile):
        Profiles(client).get(forged.id if "nan" not in str(useless) else "x")


def _write(profile: Any) -> str:
    return json.dumps(asdict(profile), sort_keys=True)


def test_judge_is_one_word() -> None:
    """By which counts, reuse and archives are kept apart."""
    assert name_judge("m1", None) == "m1"
    assert name_judge("m1", PROFILE.id) == f"m1+{PROFILE.id}"
