"""`pneumonia_api.worker.predict_xray`: the task under every kind of fault, on a real Redis."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import redis
from celery.exceptions import Retry

from model.cage.pool import CageLost, NoLongerWanted
from model.reading.xray import XrayImage
from model.serving.predictor import Prediction
from monitoring.logs.lines import JsonLines
from pneumonia_api.records.deliveries import MAX_WORKERS_LOST
from pneumonia_api.records.images import ImageMissing
from pneumonia_api.records.record import QualityRecord
from pneumonia_api.worker.predict_xray import MAX_RETRIES
from pneumonia_api.worker.tasks import VISIBILITY_SECONDS, find_task_request_id
from tests.pneumonia_api.failing_sync import fail_syncs
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.worker.accepted import Bench, answer


@pytest.fixture
def bench(client: redis.Redis, redis_url: str, tmp_path: Path) -> Bench:
    """A new one for each test."""
    return Bench(client, redis_url, tmp_path)


def pictures(xray_id: str) -> list[str]:
    """What a judged X-ray has in the image store."""
    return [f"previews/{xray_id}.jpg", f"films/{xray_id}.png"]


def test_done_xray_leaves_a_preview_and_no_upload(bench: Bench) -> None:
    """The normal case; a second delivery of the task does nothing."""
    record = bench.run(answer)
    assert record is not None
    assert record.status == "done"
    assert bench.images.read_preview(record.id)
    with pytest.raises(ImageMissing):
        bench.images.read_incoming(record.id)
    assert bench.run(answer) == record
    assert bench.calls == 1
    assert bench.images.read_preview(record.id)


def test_refused_image_gets_a_reason_and_a_preview(bench: Bench) -> None:
    """The record of an image that is not a chest X-ray has score and reason, but no prediction.

    A person must look at the image, so it has a preview, also if the worker dies before it is kept.
    """

    def refuse(picture: XrayImage) -> Prediction:
        return replace(answer(picture), ood=1.7, refusal="No chest X-ray.")

    data = bench.images.read_incoming(bench.xray.id)
    record = bench.run(refuse)
    assert record is not None
    assert (record.status, record.reason) == ("rejected", "No chest X-ray.")
    assert record.prediction is None
    assert record.quality == QualityRecord(False, ["No chest X-ray."], 1.7)
    preview = bench.images.read_preview(record.id)
    bench.images.delete_pictures(record.id)
    bench.images.write_incoming(record.id, data)
    bench.run(refuse)
    assert bench.images.read_preview(record.id) == preview


def test_doubted_image_is_judged_with_a_warning(bench: Bench) -> None:
    """Close to the limit the prediction stands, and the record has a warning."""
    record = bench.run(lambda picture: replace(answer(picture), ood=0.9, warning="Unlike most."))
    assert record is not None
    assert record.status == "done"
    assert record.quality == QualityRecord(False, ["Unlike most."], 0.9)
    assert record.prediction is not None
    assert set(asdict(record.prediction)) == {
        *("probability", "decision", "threshold", "model", "heatmap", "precision"),
        *("finding", "uncertain", "profile", "model_probability"),
    }


def test_fault_on_our_side_is_retried_three_times_then_recorded(bench: Bench) -> None:
    """The record is `failed`; its reason reveals nothing of the fault."""

    def break_down(picture: XrayImage) -> Prediction:
        raise RuntimeError("secret detail")

    record = bench.run(break_down)
    assert bench.calls == 1 + MAX_RETRIES
    assert record is not None
    assert record.status == "failed"
    assert "send it again" in str(record.reason)
    assert "secret" not in str(record.reason)


def test_passing_fault_is_not_noticed(bench: Bench) -> None:
    """The second attempt succeeds, and the record is done."""

    def stumble(picture: XrayImage) -> Prediction:
        if bench.calls == 1:
            raise OSError("once")
        return answer(picture)

    record = bench.run(stumble)
    assert record is not None
    assert record.status == "done"


def break_folder(folder: Path) -> Path:
    """Replace a folder by a file; returns where the folder is now."""
    away = folder.rename(folder.with_name("away"))
    folder.write_text("in the way")
    return away


def test_xray_waits_while_the_image_store_is_away(bench: Bench, tmp_path: Path) -> None:
    """However often it is retried, it stays queued, and nobody has to send it again."""
    away = break_folder(tmp_path / "incoming")
    for _ in range(4):
        record = bench.run(answer)
        assert record is not None
        assert record.status == "queued"
    (tmp_path / "incoming").unlink()
    away.rename(tmp_path / "incoming")
    record = bench.run(answer)
    assert record is not None
    assert record.status == "done"
    assert bench.calls == 1


def test_preview_that_cannot_be_stored_is_no_failure(bench: Bench, tmp_path: Path) -> None:
    """A full disk after the prediction: the upload is kept, and the X-ray is judged again."""
    (tmp_path / "previews").write_text("in the way")
    record = bench.run(answer)
    assert record is not None
    assert record.status == "queued"
    (tmp_path / "previews").unlink()
    record = bench.run(answer)
    assert record is not None
    assert record.status == "done"
    assert bench.images.list_names() == pictures(record.id)


def test_upload_that_could_not_be_deleted_goes_with_the_next_delivery(
    bench: Bench, tmp_path: Path
) -> None:
    """The record is done at once, and the next delivery deletes the upload."""

    def break_store(picture: XrayImage) -> Prediction:
        break_folder(tmp_path / "incoming")
        return answer(picture)

    record = bench.run(break_store)
    assert record is not None
    assert record.status == "done"
    (tmp_path / "incoming").unlink()
    (tmp_path / "away").rename(tmp_path / "incoming")
    assert bench.images.read_incoming(record.id)
    assert bench.run(answer) == record
    with pytest.raises(ImageMissing):
        bench.images.read_incoming(record.id)


def test_preview_lost_in_a_power_cut_is_made_again(bench: Bench) -> None:
    """The end state was on the disk and the preview was not: the next delivery completes it."""
    bench.xrays.finish(done(bench.xray))
    bench.images.write_preview(bench.xray.id, b"")
    assert bench.run(answer) == done(bench.xray)
    assert bench.calls == 0
    assert bench.images.read_preview(bench.xray.id).startswith(b"\xff\xd8")
    assert bench.images.list_names() == pictures(bench.xray.id)


def test_upload_is_kept_while_a_lost_preview_cannot_be_made_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the last source of the preview: the sweep publishes the task again, and that works."""

    def lose_reader(*_: object, **__: object) -> None:
        raise CageLost("a child of the cage was killed")

    bench.xrays.finish(done(bench.xray))
    with monkeypatch.context() as starved:
        starved.setattr(bench.task.cage, "begin", lose_reader)
        assert bench.run(answer) == done(bench.xray)
    assert bench.images.read_incoming(bench.xray.id)
    assert bench.run(answer) == done(bench.xray)
    assert bench.images.read_preview(bench.xray.id)
    assert bench.images.list_names() == pictures(bench.xray.id)


def test_upload_is_kept_until_the_preview_is_on_the_disk(bench: Bench) -> None:
    """While the disk takes no sync, the record is done; the next delivery deletes the upload."""
    with ThreadPoolExecutor(1, initializer=fail_syncs) as thread:
        record = thread.submit(bench.run, answer).result()
    assert record is not None
    assert record.status == "done"
    assert bench.images.read_incoming(record.id)
    assert bench.run(answer) == record
    assert bench.calls == 1
    assert bench.images.list_names() == pictures(record.id)


def test_retries_are_spread_over_half_a_minute(bench: Bench, tmp_path: Path) -> None:
    """The pauses are fixed, and each is shorter than the visibility timeout."""
    break_folder(tmp_path / "incoming")
    pauses = []
    for retries in range(MAX_RETRIES):
        bench.task.push_request(
            id="1", args=(bench.xray.id,), kwargs={}, retries=retries, called_directly=False
        )
        with pytest.raises(Retry) as retry:
            bench.task.run(bench.xray.id)
        bench.task.pop_request()
        pauses.append(retry.value.when)
    assert pauses == [4, 8, 16]
    assert max(pauses) < VISIBILITY_SECONDS


def test_xray_that_ends_every_worker_is_given_up(bench: Bench, client: redis.Redis) -> None:
    """After eight dead workers it is `failed`, so that it cannot kill workers for ever."""
    for number in range(MAX_WORKERS_LOST):
        client.sadd(f"begun:{bench.xray.id}", f"process {number}")
    record = bench.run(answer)
    assert record is not None
    assert record.status == "failed"
    assert bench.calls == 0


def test_one_worker_that_lives_on_is_not_counted_twice(bench: Bench, tmp_path: Path) -> None:
    """A worker that survives is no evidence, however often it begins on the X-ray."""
    away = break_folder(tmp_path / "incoming")
    for _ in range(MAX_WORKERS_LOST):
        bench.run(answer)
    (tmp_path / "incoming").unlink()
    away.rename(tmp_path / "incoming")
    record = bench.run(answer)
    assert record is not None
    assert record.status == "done"


def test_status_is_read_again_after_the_wait_for_another_try(bench: Bench) -> None:
    """An X-ray that another worker finished during the pause is not judged again."""

    def stumble(picture: XrayImage) -> Prediction:
        bench.xrays.finish(done(bench.xray))
        raise OSError("once")

    record = bench.run(stumble)
    assert record == done(bench.xray)
    assert bench.calls == 1


def test_second_delivery_waits_for_no_one_and_judges_nothing(
    bench: Bench, client: redis.Redis
) -> None:
    """The queue takes a slow worker for dead; its X-ray is still judged once."""

    def be_slow(picture: XrayImage) -> Prediction:
        bench.task.apply((bench.xray.id,))
        assert bench.xrays.get(bench.xray.id).status == "queued"
        return answer(picture)

    record = bench.run(be_slow)
    assert record is not None
    assert record.status == "done"
    assert bench.calls == 1
    assert not client.exists(f"lease:{bench.xray.id}", f"begun:{bench.xray.id}")


def test_images_of_a_deleted_xray_go_with_the_next_delivery(bench: Bench) -> None:
    """The API or the connection broke in the middle; neither image outlives its record."""
    bench.xrays.delete(bench.xray)
    bench.images.write_preview(bench.xray.id, b"jpeg\xff\xd9")
    assert bench.run(answer) is None
    assert bench.images.list_names() == []


def test_upload_of_a_queued_xray_is_kept_when_its_delivery_ends(bench: Bench) -> None:
    """Only the upload of an X-ray that is deleted or needs no preview goes."""

    def be_overtaken(picture: XrayImage) -> Prediction:
        raise NoLongerWanted

    bench.run(be_overtaken)
    assert bench.images.read_incoming(bench.xray.id)
    bench.xrays.delete(bench.xray)
    assert bench.run(be_overtaken) is None
    assert bench.images.list_names() == []


def test_xray_deleted_while_it_is_judged_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    """No preview reappears after the deletion."""

    def delete_meanwhile(picture: XrayImage) -> Prediction:
        bench.xrays.delete(bench.xray)
        return answer(picture)

    assert bench.run(delete_meanwhile) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_log_has_retries_and_failure_but_no_error_message(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """An error may quote the file, so the log has its type and place, and no line of Celery's."""
    caplog.handler.setFormatter(JsonLines("worker", find_task_request_id))
    caplog.set_level(logging.INFO)

    def fail(picture: XrayImage) -> Prediction:
        raise ArithmeticError(f"DOE^JANE {picture}")

    bench.run(fail)
    lines = [json.loads(text) for text in caplog.text.splitlines()]
    logged = [(line["message"], line["xray"]) for line in lines]
    again = ("is tried again after ArithmeticError", bench.xray.id)
    assert logged[:-2] == [again] * MAX_RETRIES
    assert [message for message, _ in logged[-2:]] == ["failed for good", "judged"]
    assert lines[-1]["status"] == "failed"
    assert lines[-2]["traceback"].endswith("ArithmeticError")
    assert len({line["request"] for line in lines}) == 1
    assert "JANE " not in caplog.text.replace("JANE {picture}", "")
