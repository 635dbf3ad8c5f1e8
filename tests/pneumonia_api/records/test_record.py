"""`pneumonia_api.records.record`: the hash of a record, as every release reads and writes it."""

import re
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.reading.ages import AGES, Age, AgeBand
from pneumonia_api.records import heatmap
from pneumonia_api.records.readings import ReadingRecord, ReviewRecord, write_readings
from pneumonia_api.records.record import (
    FINDINGS,
    PredictionRecord,
    QualityRecord,
    XrayRecord,
    read_hash,
    write_hash,
)
from pneumonia_api.records.reviews import KEY_DIGITS, MAX_NOTE
from pneumonia_api.records.scope import ScopeRecord, describe_scope
from tests.pneumonia_api.records import previous_release
from tests.stack import ROOT

HASH_OF_PREVIOUS_RELEASE = {
    "id": "0198" * 8,
    "status": "done",
    "source": "doctor",
    "created_at": "2026-11-25T12:00:00.000+00:00",
    "digest": "00ff" * 16,
    "reference": "Study 7",
    "prediction": '{"probability": 0.9, "decision": "pneumonia", "threshold": 0.5, "model": "m1", '
    '"heatmap": [[0.0, 1.0]]}',
    "quality": '{"ok": false, "warnings": ["Unlike most."], "ood": 0.9}',
    "review": '{"label": "unsure", "note": "Ask Ann", "reader": "doctor", '
    '"reviewed_at": "2026-11-25T12:01:00.000+00:00"}',
}
HASH = {
    **HASH_OF_PREVIOUS_RELEASE,
    "digest": "0RI60" * 8,
    "prediction": '{"probability":0.9,"decision":"pneumonia","threshold":0.5,"model":"m1",'
    '"heatmap":[],"uncertain":[0.2,0.7]}',
    "p": "bf16",
    "map": heatmap.pack([[0.0, 1.0]]),
    "created_at": "20261125T120000.000Z",
    "quality": '{"ok":false,"warnings":["Unlike most."],"ood":0.9}',
    "review": '{"label":"unsure","note":"Ask Ann","reader":"doctor",'
    '"reviewed_at":"20261125T120100.000Z"}',
    "s": "above 1 5",
}
XRAY = XrayRecord(
    id="0198" * 8,
    status="done",
    source="doctor",
    created_at="2026-11-25T12:00:00.000+00:00",
    digest="00ff" * 16,
    reference="Study 7",
    prediction=PredictionRecord(
        0.9, "pneumonia", 0.5, "m1", [[0.0, 1.0]], "bfloat16", "pneumonia_likely", [0.2, 0.7]
    ),
    quality=QualityRecord(False, ["Unlike most."], 0.9),
    review=ReviewRecord("unsure", "Ask Ann", "doctor", "2026-11-25T12:01:00.000+00:00"),
    readings=(
        ReadingRecord(
            *("unsure", "Ask Ann", "doctor", "2026-11-25T12:01:00.000+00:00"),
            number=1,
            model="m1",
            stands=True,
        ),
    ),
    scope=ScopeRecord(True, "above", 1, 5),
)


def test_hash_of_the_previous_release_is_read() -> None:
    """It has the heat map in the JSON of the prediction, and knew no precision but float32.

    Its review is the first reading. Nobody had looked at the age, and the finding followed the
    decision.
    """
    assert XRAY.prediction
    earlier = replace(XRAY.prediction, precision="float32", uncertain=None)
    assert read_hash(HASH_OF_PREVIOUS_RELEASE) == replace(XRAY, prediction=earlier, scope=None)
    normal = HASH_OF_PREVIOUS_RELEASE["prediction"].replace('"pneumonia"', '"normal"')
    read = read_hash({**HASH_OF_PREVIOUS_RELEASE, "prediction": normal})
    assert read.prediction
    assert read.prediction.finding == "no_pneumonia_detected" in FINDINGS


def test_record_is_written_and_read_in_the_present_form() -> None:
    """The same fields and the same JSON, to the letter, in both directions."""
    assert read_hash(HASH) == XRAY
    assert write_hash(XRAY) == HASH


def test_digest_is_shortened_once_the_record_has_ended() -> None:
    """A queued one may be finished by a host of the previous release, which needs the digest."""
    for status in ("queued", "done", "rejected", "failed"):
        xray = replace(XRAY, status=status)
        expected = XRAY.digest if status == "queued" else HASH["digest"]
        assert write_hash(xray)["digest"] == expected
        assert read_hash(write_hash(xray)) == xray


def test_first_compact_form_is_read() -> None:
    """Digest and times in full, and the heat map deflated in the field `heatmap`."""
    full = {"digest": XRAY.digest, "created_at": XRAY.created_at, "heatmap": "V`5-tcmV("}
    without_map = {name: value for name, value in HASH.items() if name != "map"}
    assert XRAY.prediction
    packed = replace(XRAY.prediction, heatmap=[[0.0, 1.0]])
    assert read_hash({**without_map, **full}) == replace(XRAY, prediction=packed)


def test_precision_and_scope_are_read_where_they_were_before() -> None:
    """In the JSON of the prediction, and under the full name; float32 is not written."""
    prediction = HASH["prediction"].replace("}", ',"precision":"bfloat16"}')
    renamed = {"prediction": prediction, "scope": HASH["s"]}
    before = {name: value for name, value in HASH.items() if name not in ("p", "s")}
    assert read_hash(before | renamed) == XRAY
    assert XRAY.prediction
    for precision, written in (("float32", None), ("bfloat16", "bf16"), ("int8", "int8")):
        xray = replace(XRAY, prediction=replace(XRAY.prediction, precision=precision))
        assert write_hash(xray).get("p") == written
        assert read_hash(write_hash(xray)) == xray


@pytest.mark.parametrize("digest", ["d1", "00FF" * 16, "zz" * 32])
@pytest.mark.parametrize("time", ["", "2026-11-25T12:00:00+00:00", "2026-11-25T12:00:00.000+01:00"])
def test_other_digests_and_times_stay_as_they_are(digest: str, time: str) -> None:
    """Whatever is not exactly of the form that this release writes comes back to the letter."""
    xray = replace(XRAY, digest=digest, created_at=time)
    assert write_hash(xray)["digest"] == digest
    assert write_hash(xray)["created_at"] == time
    assert read_hash(write_hash(xray)) == xray


def test_previous_release_reads_the_present_form_without_the_heat_map() -> None:
    """While hosts are updated one after another, it shows all else of the record.

    It knew no finding and no precision. It parses the times in any form of ISO 8601, and compares
    no digest with that of a record that has ended.
    """
    read = previous_release.read_hash(write_hash(XRAY))
    assert XRAY.prediction
    assert XRAY.review
    assert read.prediction
    assert read.review
    known = replace(
        read.prediction, finding=XRAY.prediction.finding, precision=XRAY.prediction.precision
    )
    assert replace(read, prediction=known, review=None) == replace(
        XRAY,
        prediction=replace(XRAY.prediction, heatmap=[]),
        digest=HASH["digest"],
        created_at=HASH["created_at"],
        review=None,
        readings=(),
        scope=None,
    )
    for time, full in (
        (read.created_at, XRAY.created_at),
        (read.review.reviewed_at, XRAY.review.reviewed_at),
    ):
        assert datetime.fromisoformat(time) == datetime.fromisoformat(full)


def test_an_uncertain_finding_is_written_and_any_other_follows_from_the_decision() -> None:
    """All findings come back as they were, with either decision where it can be."""
    assert XRAY.prediction
    for decision, finding in (
        ("pneumonia", "pneumonia_likely"),
        ("pneumonia", "uncertain"),
        ("normal", "uncertain"),
        ("normal", "no_pneumonia_detected"),
    ):
        prediction = replace(XRAY.prediction, decision=decision, finding=finding)
        xray = replace(XRAY, prediction=prediction)
        assert read_hash(write_hash(xray)) == xray
        assert ("finding" in write_hash(xray)["prediction"]) == (finding == "uncertain")


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("ages", [AgeBand(1, 5), None])
def test_scope_comes_back_as_it_was(age: Age, ages: AgeBand | None) -> None:
    """For every age, and for models that state no ages."""
    scope = describe_scope(age, ages)
    assert scope.out_of_scope == (age in ("under", "above", "contradictory"))
    xray = replace(XRAY, scope=scope)
    assert read_hash(write_hash(xray)) == xray


@given(
    st.integers(1, 20).flatmap(
        lambda width: st.lists(
            st.lists(st.integers(0, 1000), min_size=width, max_size=width), min_size=1, max_size=20
        )
    )
)
def test_packed_heat_map_keeps_three_decimals(thousandths: list[list[int]]) -> None:
    """Whatever the strengths are, they come back as they were, in ASCII."""
    rows = [[cell / 1000 for cell in row] for row in thousandths]
    packed = heatmap.pack(rows)
    assert packed.isascii()
    assert heatmap.unpack(packed) == rows


def test_longest_values_stay_in_the_compact_form_of_a_hash() -> None:
    """Redis is configured for values up to this length: a full note, and a heat map of noise."""
    config = (ROOT / "pneumonia_api" / "redis.conf.template").read_text()
    [longest] = map(int, re.findall(r"^hash-max-listpack-value (\d+)$", config, re.MULTILINE))
    terraform = (ROOT / "terraform" / "elasticache.tf").read_text()
    assert f'"hash-max-listpack-value"\n    value = "{longest}"' in terraform
    noise = np.random.default_rng(0).random((16, 16)).tolist()
    assert XRAY.prediction
    assert XRAY.review
    widest = replace(
        XRAY,
        source="\U0001f600" * 64,
        reference="\U0001f600" * 64,
        prediction=replace(XRAY.prediction, heatmap=noise),
        review=replace(XRAY.review, note="\U0001f600" * MAX_NOTE, reader="\U0001f600" * 64),
    )
    entry = replace(
        widest.readings[0],
        note="\U0001f600" * MAX_NOTE,
        reader="\U0001f600" * 64,
        model="034dc0a0355a",
        ai="hidden",
        undoes=100,
        key="0" * KEY_DIGITS,
    )
    values = write_hash(widest) | write_readings([entry])
    assert max(len(value.encode()) for value in values.values()) <= longest


def test_fields_without_a_value_are_left_out() -> None:
    """A queued record has no prediction, quality, reason or review; a failed one has a reason."""
    bare = replace(XRAY, prediction=None, quality=None, review=None, readings=())
    queued = replace(bare, status="queued")
    assert write_hash(queued).keys() == HASH.keys() - {
        "prediction",
        "map",
        "p",
        "quality",
        "review",
    }
    assert read_hash(write_hash(queued)) == queued
    failed = replace(queued, status="failed", reason="Send it again.")
    assert read_hash(write_hash(failed)) == failed


def test_quality_of_the_first_release_is_read() -> None:
    """Its models had no score of how unlike a chest X-ray an image is."""
    old = {**HASH, "quality": '{"ok": true, "warnings": [], "ood": null}'}
    assert read_hash(old).quality == QualityRecord(True, [], None)


def test_fields_of_a_later_release_are_skipped() -> None:
    """While hosts are updated one after another, records of both releases are read."""
    later = {**HASH, "laterality": "L", "quality": HASH["quality"][:-1] + ',"sharp":true}'}
    assert read_hash(later) == XRAY
