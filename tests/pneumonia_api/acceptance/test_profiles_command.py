"""`--store` and `python -m pneumonia_api.acceptance.profiles`: fit, list, switch on and off."""

import json

import pytest
import redis

from pneumonia_api.acceptance import __main__, profiles
from pneumonia_api.records import keys
from pneumonia_api.records.profiles import Profiles
from pneumonia_api.records.served_model import ServedModel
from tests.pneumonia_api.acceptance.films import Hospital
from tests.pneumonia_api.acceptance.hospital import CARD, announce, confirm, judge, judge_by
from tests.pneumonia_api.acceptance.profile import PROFILE, for_model

SHIFTED = Hospital(ill=0.4, shift=2.0, steeper=1.6)


@pytest.fixture
def url(client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Redis with a model, its address in the environment."""
    announce(client)
    monkeypatch.setenv("REDIS_URL", redis_url)
    return redis_url


def send(client: redis.Redis, films: int, seed: int) -> None:
    """Films with outcomes."""
    for film in SHIFTED.take(films, seed):
        xray = judge(client, round(film.probability, 4))
        confirm(client, xray, "pneumonia" if film.ill else "normal")


@pytest.mark.usefixtures("url")
def test_store_then_switch(client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    """Storing changes nothing that decides; the list says on what a profile rests."""
    send(client, 100, seed=1)
    assert __main__.main(["--store"]) == 1
    assert "needs 100 patients with pneumonia and 100 without" in capsys.readouterr().err
    assert Profiles(client).list_all() == []
    send(client, 500, seed=2)
    assert __main__.main(["--store", "--by", "Dr. Ott"]) != 1
    [stored] = Profiles(client).list_all()
    assert (stored.by, stored.model, stored.basis.films) == ("Dr. Ott", "m1", 600)
    out = capsys.readouterr().out
    assert f"Site profile {stored.id} for the model m1, by Dr. Ott" in out
    assert f"fitted to 600 films of {stored.basis.patients_ill} patients with pneumonia" in out

    assert profiles.main(["list"]) == 0
    out = capsys.readouterr().out
    assert f"Site profile {stored.id}" in out
    assert "No profile is switched on: the model m1 alone decides." in out
    assert profiles.main(["on", stored.id, "--by", "lead"]) == 0
    assert f"The profile {stored.id} is switched on since " in capsys.readouterr().out
    assert Profiles(client).find_applied("m1") == stored.id
    assert profiles.main(["off", "--by", "lead"]) == 0
    assert "the model m1 alone decides" in capsys.readouterr().out
    assert Profiles(client).find_applied("m1") is None


@pytest.mark.usefixtures("url")
def test_what_the_profile_decided_is_compared_with_what_it_promises(
    client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    """Films that the model alone decided do not count while it is on."""
    send(client, 60, seed=3)
    Profiles(client).add(PROFILE)
    assert profiles.main(["on", PROFILE.id]) == 0
    for film in SHIFTED.take(50, seed=4):
        xray = judge_by(client, film.probability, PROFILE)
        confirm(client, xray, "pneumonia" if film.ill else "normal")
    capsys.readouterr()
    assert __main__.main(["--json", "--since", "2020-01-01"]) != 1
    found = json.loads(capsys.readouterr().out)
    assert (found["profile"], found["judged"]) == (PROFILE.id, 50)
    assert found["bounds"]["specificity"] == {"expected": 0.8, "least": 0.7}
    assert __main__.main(["--since", "2020-01-01"]) != 1
    out = capsys.readouterr().out
    assert f"Model m1 with the site profile {PROFILE.id}: " in out
    assert "; site profile 0.800 (0.740 to 0.850)" in out


@pytest.mark.usefixtures("url")
def test_faults_are_one_sentence(client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    """Of another model, unknown, damaged; and what is on says that it decides nothing."""
    older = for_model("m0")
    Profiles(client).add(older)
    Profiles(client).add(PROFILE)
    client.hset(keys.PROFILES, "broken", "{}")
    for profile, sentence in (
        (older.id, "is not for the model m1 that is served; a new model needs an acceptance"),
        ("none", "There is no profile none."),
        ("broken", "The profile broken is damaged"),
    ):
        assert profiles.main(["on", profile]) == 1
        assert sentence in capsys.readouterr().err
    assert profiles.main(["on", PROFILE.id]) == 0
    ServedModel(client).announce({**CARD, "version": "m2"})
    capsys.readouterr()
    assert profiles.main(["list"]) == 0
    assert "but decides nothing: it is for another model" in capsys.readouterr().out
    ServedModel(client).announce(CARD)
    client.hset(keys.PROFILES, PROFILE.id, "{}")
    assert profiles.main(["list"]) == 0
    assert "but decides nothing: it is damaged" in capsys.readouterr().out


def test_without_a_model(
    client: redis.Redis, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is switched for a model that nobody knows."""
    assert client.dbsize() == 0
    assert profiles.main(["off", "--redis-url", redis_url]) == 1
    assert capsys.readouterr().err.startswith("No worker has announced its model")
