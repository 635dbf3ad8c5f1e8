"""`pneumonia_api.records.record`: the hash of a record, as every release reads and writes it."""

from dataclasses import replace

from pneumonia_api.records.record import (
    PredictionRecord,
    QualityRecord,
    ReviewRecord,
    XrayRecord,
    read_hash,
    write_hash,
)

HASH = {
    "id": "0198" * 8,
    "status": "done",
    "source": "doctor",
    "created_at": "2026-11-25T12:00:00.000+00:00",
    "digest": "d1",
    "reference": "Study 7",
    "prediction": '{"probability": 0.9, "decision": "pneumonia", "threshold": 0.5, "model": "m1", '
    '"heatmap": [[0.0, 1.0]], "precision": "bfloat16"}',
    "quality": '{"ok": false, "warnings": ["Unlike most."], "ood": 0.9}',
    "review": '{"label": "unsure", "note": "Ask Ann", "reader": "doctor", '
    '"reviewed_at": "2026-11-25T12:01:00.000+00:00"}',
}
XRAY = XrayRecord(
    id="0198" * 8,
    status="done",
    source="doctor",
    created_at="2026-11-25T12:00:00.000+00:00",
    digest="d1",
    reference="Study 7",
    prediction=PredictionRecord(0.9, "pneumonia", 0.5, "m1", [[0.0, 1.0]], "bfloat16"),
    quality=QualityRecord(False, ["Unlike most."], 0.9),
    review=ReviewRecord("unsure", "Ask Ann", "doctor", "2026-11-25T12:01:00.000+00:00"),
)


def test_hash_is_that_of_earlier_releases() -> None:
    """The same fields and the same JSON, to the letter, in both directions."""
    assert read_hash(HASH) == XRAY
    assert write_hash(XRAY) == HASH


def test_prediction_without_a_precision_was_computed_in_float32() -> None:
    """Earlier releases knew no other and recorded none."""
    old = HASH["prediction"].replace(', "precision": "bfloat16"', "")
    read = read_hash({**HASH, "prediction": old})
    assert read.prediction
    assert read.prediction.precision == "float32"


def test_fields_without_a_value_are_left_out() -> None:
    """A queued record has no prediction, quality, reason or review; a failed one has a reason."""
    queued = replace(XRAY, status="queued", prediction=None, quality=None, review=None)
    assert write_hash(queued).keys() == HASH.keys() - {"prediction", "quality", "review"}
    assert read_hash(write_hash(queued)) == queued
    failed = replace(queued, status="failed", reason="Send it again.")
    assert read_hash(write_hash(failed)) == failed


def test_quality_of_the_first_release_is_read() -> None:
    """Its models had no score of how unlike a chest X-ray an image is."""
    old = {**HASH, "quality": '{"ok": true, "warnings": [], "ood": null}'}
    assert read_hash(old).quality == QualityRecord(True, [], None)


def test_fields_of_a_later_release_are_skipped() -> None:
    """While hosts are updated one after another, records of both releases are read."""
    later = {**HASH, "laterality": "L", "quality": HASH["quality"][:-1] + ', "sharp": true}'}
    assert read_hash(later) == XRAY
