"""`XrayStore`, as scoring a folder uses it: each file once, whatever happens in between."""

from dataclasses import replace

import redis

from pneumonia_api.records.xrays import XrayRecord, XrayStore, as_judged, name_batch, new_xray

PREDICTION = {
    "probability": 0.9,
    "decision": "pneumonia",
    "threshold": 0.5,
    "model": "m",
    "heatmap": [[0.0]],
    "ood": 0.4,
    "refusal": None,
    "warning": None,
}


def make_done(digest: str, model: str = "m") -> XrayRecord:
    """A finished record as a run makes it."""
    xray = new_xray("batch", digest, ending=name_batch(digest, model))
    return as_judged(xray, {**PREDICTION, "model": model}, ())


def test_batch_is_stored_with_the_marks_of_its_files(client: redis.Redis) -> None:
    """Records, indexes and marks appear together; a file that was not scored has none."""
    store = XrayStore(client)
    records = [make_done("a"), make_done("b")]
    assert store.add_batch(records) == []
    names = [name_batch(digest, "m") for digest in "abc"]
    assert store.find_batch(names) == [records[0].id, records[1].id, None]
    assert store.find_batch([]) == []
    assert store.get(records[0].id) == records[0]
    assert client.zcard("xrays") == client.zcard("xrays:decision:pneumonia") == 2


def test_batch_sent_again_changes_nothing(client: redis.Redis) -> None:
    """An answer that was lost on the way: a worker's result since then is not undone."""
    store = XrayStore(client)
    done = make_done("a")
    queued = replace(done, status="queued", prediction=None, quality=None)
    store.add_batch([queued])
    store.finish(done)
    assert store.add_batch([queued]) == []
    assert store.get(done.id) == done
    assert client.zcard("xrays:status:queued") == 0


def test_file_of_another_run_is_left_out(client: redis.Redis) -> None:
    """Two runs on one folder: the second is told which records were not stored."""
    store = XrayStore(client)
    first, other = make_done("a"), make_done("b")
    store.add_batch([first])
    again = replace(make_done("a"), id="0" * 12 + first.id[12:])
    assert store.add_batch([again, other]) == [again]
    assert client.zcard("xrays") == 2
    assert not store.exists(again.id)


def test_another_model_scores_anew(client: redis.Redis) -> None:
    """The mark of a file belongs to one model."""
    store = XrayStore(client)
    store.add_batch([make_done("a")])
    assert store.add_batch([make_done("a", "n")]) == []
    assert client.zcard("xrays") == 2


def test_deleted_record_can_be_scored_again(client: redis.Redis) -> None:
    """Nothing of a deleted record is left, the file's mark included."""
    store = XrayStore(client)
    record = make_done("a")
    store.add_batch([record])
    store.delete(record)
    assert client.hlen("batch") == 0
    assert store.add_batch([record]) == []
    assert store.get(record.id) == record
