"""`acceptance.films` and `records.judged`: which X-rays have a label, and what it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis

from pneumonia_api.acceptance.films import find_label, make_film
from pneumonia_api.records.judged import list_judged
from pneumonia_api.records.record import new_xray
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.acceptance.hospital import confirm, judge, read


def test_outcome_counts_before_readings(client: redis.Redis) -> None:
    """What the patient had is known better from elsewhere."""
    xray = judge(client, 0.9)
    read(client, xray, "normal", "hidden")
    confirm(client, xray, "pneumonia")
    label = find_label(XrayStore(client).get(xray.id))
    assert label and (label.ill, label.basis) == (True, "outcome")
    confirm(client, xray, "unknown")
    label = find_label(XrayStore(client).get(xray.id))
    assert label and (label.ill, label.basis) == (False, "reading")


@pytest.mark.parametrize(
    ("readings", "ill"),
    [
        ([("ada", "pneumonia", "hidden")], True),
        ([("ada", "normal", "hidden"), ("bob", "normal", "hidden"), ("cy", "unsure", "hidden")], 0),
        ([("ada", "pneumonia", "hidden"), ("bob", "normal", "hidden")], None),
        ([("ada", "unsure", "hidden")], None),
        ([("ada", "pneumonia", "shown")], None),
        ([("ada", "pneumonia", None)], None),
        ([("machine", "pneumonia", "hidden")], None),
        ([("ada", "normal", "hidden"), ("ada", "pneumonia", "shown")], False),
        ([], None),
    ],
)
def test_label_of_readings(
    client: redis.Redis, readings: list[tuple[str, str, str | None]], ill: bool | None
) -> None:
    """Most of the people who answered first: what they say after the AI result is no evidence."""
    xray = judge(client, 0.9)
    for reader, label, ai in readings:
        read(client, xray, label, ai, reader)
    found = find_label(XrayStore(client).get(xray.id))
    assert (found.ill if found else None) == ill


def test_film_of_a_record(client: redis.Redis) -> None:
    """The patient is the reference, else the X-ray itself; a person's name does not get in."""
    xray = judge(client, 0.7, "RX-1")
    confirm(client, xray, "normal")
    label = find_label(XrayStore(client).get(xray.id))
    assert label and xray.prediction
    film = make_film(xray, label)
    assert (film.patient, film.ill, film.called, film.probability) == ("RX-1", False, True, 0.7)
    assert (film.view, film.source, film.age, film.shown) == ("PA", "person", "unknown", True)
    assert make_film(replace(xray, reference=""), label).patient == xray.id
    archived = make_film(replace(xray, source="batch"), label)
    assert (archived.source, archived.device) == ("archive", "archive")
    assert make_film(replace(xray, device="Fuji DR-1"), label).device == "Fuji DR-1"
    decided = replace(xray.prediction, probability=0.4, profile="p1", model_probability=0.7)
    local = make_film(replace(xray, prediction=decided), label)
    assert (film.own, local.own, local.probability) == (0.7, 0.7, 0.4)
    with pytest.raises(ValueError, match="without a prediction"):
        make_film(new_xray("ada", "d"), label)


def test_judged_since_by_one_model(client: redis.Redis) -> None:
    """Those of another model, earlier ones and what waits do not count; oldest first."""
    first, second = judge(client, 0.9), judge(client, 0.1)
    XrayStore(client).add(new_xray("ada", "waits"))
    found = list(list_judged(client, "m1", None, 10))
    assert [each.id for each in found] == sorted([first.id, second.id])
    assert list(list_judged(client, "m2", None, 10)) == []
    assert len(list(list_judged(client, "m1", None, 1))) == 1
    hour = timedelta(hours=1)
    assert len(list(list_judged(client, "m1", datetime.now(UTC) - hour, 10))) == 2
    assert list(list_judged(client, "m1", datetime.now(UTC) + hour, 10)) == []
