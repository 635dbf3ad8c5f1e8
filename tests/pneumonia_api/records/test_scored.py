"""`XrayStore` in archive scoring: each file is stored once, whatever happens in between."""

from dataclasses import replace

import redis

from model.serving.predictor import Prediction
from pneumonia_api.judging import judge
from pneumonia_api.records.record import XrayRecord, fingerprint_file, new_xray
from pneumonia_api.records.xrays import XrayStore


def make_done(digest: str, model: str = "m") -> XrayRecord:
    """A finished record as a run stores it."""
    xray = new_xray("batch", digest, fingerprint=fingerprint_file(digest, model))
    prediction = Prediction(
        0.9, "pneumonia", 0.5, model, [[0.0]], 0.4, None, None, "float32", "pneumonia_likely"
    )
    return judge(xray, prediction, (), "unknown")


def test_records_are_stored_with_the_fingerprints_of_their_files(client: redis.Redis) -> None:
    """Records, indexes and fingerprints appear together; an unscored file has none."""
    store = XrayStore(client)
    records = [make_done("a"), make_done("b")]
    assert store.add_scored(records) == []
    fingerprints = [fingerprint_file(digest, "m") for digest in "abc"]
    assert store.find_scored(fingerprints) == [records[0].id, records[1].id, None]
    assert store.find_scored([]) == []
    assert store.get(records[0].id) == records[0]
    assert client.zcard("xrays") == client.zcard("xrays:pneumonia:to-review") == 2


def test_batch_sent_again_changes_nothing(client: redis.Redis) -> None:
    """After a lost reply, a retry does not undo what a worker has stored since."""
    store = XrayStore(client)
    done = make_done("a")
    queued = replace(done, status="queued", prediction=None, quality=None)
    store.add_scored([queued])
    store.finish(done)
    assert store.add_scored([queued]) == []
    assert store.get(done.id) == done
    assert client.zcard("xrays:status:queued") == 0


def test_file_of_another_run_is_left_out(client: redis.Redis) -> None:
    """Of two runs on one folder, the second learns which of its records were not stored."""
    store = XrayStore(client)
    first, other = make_done("a"), make_done("b")
    store.add_scored([first])
    again = replace(make_done("a"), id="0" * 12 + first.id[12:])
    assert store.add_scored([again, other]) == [again]
    assert client.zcard("xrays") == 2
    assert not store.exists(again.id)


def test_another_model_scores_the_file_again(client: redis.Redis) -> None:
    """A fingerprint belongs to one model."""
    store = XrayStore(client)
    store.add_scored([make_done("a")])
    assert store.add_scored([make_done("a", "n")]) == []
    assert client.zcard("xrays") == 2


def test_deleted_record_can_be_scored_again(client: redis.Redis) -> None:
    """Nothing of a deleted record is left, not even the file's fingerprint."""
    store = XrayStore(client)
    record = make_done("a")
    store.add_scored([record])
    store.delete(record)
    assert client.hlen("batch") == 0
    assert store.add_scored([record]) == []
    assert store.get(record.id) == record
