"""Records of a site profile: nothing of them is mixed with those of the model alone."""

from dataclasses import replace
from datetime import UTC, datetime

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.profiles import Profiles
from pneumonia_api.records.record import (
    XrayRecord,
    fingerprint_file,
    new_xray,
    read_hash,
    write_hash,
)
from pneumonia_api.records.reviews import NewReading, Reviews
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.acceptance.profile import PROFILE
from tests.pneumonia_api.records.judged import done

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


def by_profile(xray: XrayRecord) -> XrayRecord:
    """The record, decided by the profile."""
    judged = done(xray)
    assert judged.prediction
    prediction = replace(judged.prediction, profile=PROFILE.id, model_probability=0.8)
    return replace(judged, prediction=prediction)


def test_record_says_what_decided() -> None:
    """In its compact form, too; one without a profile is written as before."""
    xray = by_profile(new_xray("doctor", "d" * 64))
    values = write_hash(xray)
    assert values["f"] == f"{PROFILE.id} 0.8"
    assert PROFILE.id not in values["prediction"] and "profile" not in values["prediction"]
    assert read_hash(values) == xray
    assert "f" not in write_hash(done(new_xray("doctor", "d" * 64)))


def test_reuse_keeps_profiles_apart(client: redis.Redis) -> None:
    """Identical bytes get the prediction of what decides now, and no other."""
    xrays, profiles = XrayStore(client), Profiles(client)
    ServedModel(client).announce({"version": "m1"})
    profiles.add(PROFILE)
    alone, local = done(new_xray("doctor", "d1")), by_profile(new_xray("doctor", "d1"))
    xrays.add(alone)
    profiles.switch_on(PROFILE.id, "m1", by="lead", at=NOW)
    assert xrays.find_same("d1") is None
    xrays.add(local)
    assert xrays.find_same("d1") == local
    profiles.switch_off(by="lead", at=NOW)
    assert xrays.find_same("d1") == alone
    profiles.switch_on(PROFILE.id, "m1", by="lead", at=NOW)
    assert xrays.find_same("d1") == local
    xrays.delete(local)
    assert xrays.find_same("d1") is None
    client.hset(keys.PROFILES, PROFILE.id, "{}")  # damaged: the model alone decides
    assert xrays.find_same("d1") == alone


def test_readings_are_counted_by_what_decided(client: redis.Redis) -> None:
    """So that figures of a profile are not mixed with those of the model."""
    xrays, reviews = XrayStore(client), Reviews(client)
    for xray in (done(new_xray("doctor", "d1")), by_profile(new_xray("doctor", "d2"))):
        xrays.add(xray)
        reviews.append(xray.id, NewReading("normal", ai="hidden"), reader="ada", at=NOW)
    assert client.hgetall("blind:2026-W48") == {
        "m1 pneumonia normal normal": "1",
        f"m1+{PROFILE.id} pneumonia normal normal": "1",
    }


def test_file_of_an_archive_that_another_profile_decided_is_scored_again(
    client: redis.Redis,
) -> None:
    """A switch came between sending and judging: the run that expected otherwise has nothing."""
    xrays = XrayStore(client)
    expected = fingerprint_file("d1", f"m1+{PROFILE.id}")
    waiting = new_xray("batch", "d1", fingerprint=expected)
    assert xrays.add_scored([waiting]) == []
    assert xrays.finish(done(waiting))
    assert xrays.find_scored([expected]) == [None]
    same = new_xray("batch", "d2", fingerprint=fingerprint_file("d2", "m1"))
    assert xrays.add_scored([same]) == []
    assert xrays.finish(done(same))
    assert xrays.find_scored([fingerprint_file("d2", "m1")]) == [same.id]
