"""`pneumonia_api.worker.metrics`: counts of X-rays, and facts about the served model."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from PIL import Image
from prometheus_client import REGISTRY, generate_latest

from model.reading.limits import REASONS, UnreadableXray
from model.reading.xray import XrayImage, read_xray
from model.serving.artifact import read_artifact
from model.serving.predictor import Prediction
from pneumonia_api.records.record import BATCH_SOURCE, new_xray
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.metrics import MODEL, ModelFacts
from pneumonia_api.worker.predict_xray import MAX_RETRIES
from tests.pneumonia_api.worker.accepted import Bench, answer
from tests.scrape import find_value, read_families, read_value
from tests.stack import ROOT


class Rise:
    """The increase of metrics since it was created."""

    def __init__(self) -> None:
        self._before = self._read()

    @staticmethod
    def _read() -> str:
        return generate_latest(REGISTRY).decode()

    def __call__(self, name: str, **labels: str) -> float:
        """The increase of the sum of all samples with these labels."""
        name = f"pneumonia_worker_{name}"
        now, before = (find_value(text, name, **labels) for text in (self._read(), self._before))
        return (now or 0) - (before or 0)


@pytest.fixture
def bench(client: redis.Redis, redis_url: str, tmp_path: Path) -> Bench:
    """One accepted X-ray and its task."""
    return Bench(client, redis_url, tmp_path)


def test_judged_xray_is_counted_once(bench: Bench) -> None:
    """By decision and model, with probability, score and time; a second delivery adds nothing."""
    rise = Rise()
    bench.run(answer)
    bench.run(answer)
    assert rise("xrays_total", status="done") == rise("xrays_total") == 1
    assert rise("predictions_total", decision="pneumonia", model="m1") == 1
    assert rise("findings_total", finding="pneumonia_likely", model="m1") == 1
    assert rise("ages_total", age="unknown") == rise("ages_total") == 1
    assert rise("probability_bucket", model="m1", le="0.9") == 1
    assert rise("probability_bucket", model="m1", le="0.8") == 0
    assert rise("ood_score_bucket", model="m1", le="0.4") == 1
    assert rise("xray_seconds_count") == 1
    for step in ("decode", "predict", "store"):
        assert rise("step_seconds_count", step=step) == 1
    assert rise("doubts_total") == rise("refusals_total") == rise("retries_total") == 0


def test_doubted_xray_is_judged_and_counted_as_such(bench: Bench) -> None:
    """It counts as a prediction and as a doubt."""
    rise = Rise()
    bench.run(lambda picture: replace(answer(picture), ood=0.95, warning="Unlike most."))
    assert rise("doubts_total") == rise("predictions_total") == 1
    assert rise("ood_score_bucket", le="1.0") == 1
    assert rise("ood_score_bucket", le="0.8") == 0


def test_refused_xray_has_a_score_and_no_probability(bench: Bench) -> None:
    """The score is observed all the same, because it shows drift."""
    rise = Rise()
    bench.run(lambda picture: replace(answer(picture), ood=1.7, refusal="No chest X-ray."))
    assert rise("xrays_total", status="rejected") == 1
    assert rise("refusals_total", reason="unlike_chest") == rise("refusals_total") == 1
    assert rise("ood_score_bucket", le="1.0") == 0
    assert rise("ood_score_bucket", le="2.0") == 1
    assert rise("predictions_total") == rise("probability_count") == 0


def test_unreadable_file_is_counted_by_its_reason(bench: Bench) -> None:
    """The label is a word; the sentence for the person is in the record."""
    rise = Rise()
    file = io.BytesIO()
    Image.radial_gradient("L").resize((50, 50)).save(file, "PNG")
    bench.images.write_incoming(bench.xray.id, file.getvalue())
    bench.run(answer)
    assert rise("refusals_total", reason="too_small") == rise("refusals_total") == 1
    assert rise("ood_score_count") == 0


def test_every_reason_of_the_reader_is_one_of_the_closed_set() -> None:
    """The code raises exactly the reasons of the closed set."""
    found = set()
    for source in (ROOT / "model").rglob("*.py"):
        for call in re.findall(
            r"(?:raise|return) UnreadableXray\((.*?)\n?\s*\)(?: from|\n)", source.read_text(), re.S
        ):
            found.update(re.findall(r'"(\w+)",?\s*$', call))
    assert found == set(REASONS)
    with pytest.raises(UnreadableXray) as error:
        read_xray(b"no image")
    assert error.value.reason == "unreadable"


def test_retries_and_failures_are_counted(bench: Bench) -> None:
    """Three retries, then one failed X-ray."""
    rise = Rise()

    def break_down(picture: XrayImage) -> Prediction:
        raise RuntimeError

    bench.run(break_down)
    assert rise("retries_total") == MAX_RETRIES
    assert rise("xrays_total", status="failed") == rise("xrays_total") == 1


def test_xray_deleted_meanwhile_is_not_counted(bench: Bench) -> None:
    """A deleted X-ray has no end state."""
    rise = Rise()

    def delete_meanwhile(picture: XrayImage) -> Prediction:
        bench.xrays.delete(bench.xray)
        return answer(picture)

    bench.run(delete_meanwhile)
    assert rise("xrays_total") == rise("predictions_total") == rise("xray_seconds_count") == 0


@pytest.mark.parametrize(("source", "counted"), [("doctor", 1), (BATCH_SOURCE, 0)])
def test_time_is_from_the_acceptance_of_an_upload(
    client: redis.Redis, redis_url: str, tmp_path: Path, source: str, counted: int
) -> None:
    """A wait in the queue counts; X-rays of an archive are left out."""
    bench = Bench(client, redis_url, tmp_path)
    accepted = datetime.now(UTC) - timedelta(seconds=7)
    old = replace(
        new_xray(source, "digest"), created_at=accepted.isoformat(timespec="milliseconds")
    )
    bench.images.write_incoming(old.id, bench.images.read_incoming(bench.xray.id))
    XrayStore(client).add(old)
    bench.xray = old
    rise = Rise()
    bench.run(answer)
    assert rise("xrays_total") == 1
    assert rise("xray_seconds_count") == rise("xray_seconds_bucket", le="30.0") == counted
    assert rise("xray_seconds_bucket", le="5.0") == 0


def test_model_is_exposed_with_its_age() -> None:
    """Nothing is exposed before; the time of training only if the artifact has it."""
    facts = ModelFacts()
    assert list(facts.collect()) == []
    artifact = read_artifact(ROOT / "model" / "artifact")
    trained = datetime(2026, 5, 4, tzinfo=UTC)
    bare = {name: value for name, value in artifact.training.items() if name != "trained_at"}
    known = {**bare, "trained_at": trained.isoformat()}
    scrapes = []
    for training in (bare, known):
        new = replace(artifact, training=training)
        MODEL.set(new, "bfloat16")
        scrapes.append((new.version, generate_latest(REGISTRY).decode()))
    (before, first), (after, second) = scrapes
    name = "pneumonia_worker_model_{}_timestamp_seconds"
    assert find_value(first, name.format("trained")) is None
    assert read_value(second, name.format("trained")) == trained.timestamp()
    assert read_value(second, name.format("loaded")) >= read_value(first, name.format("loaded"))
    assert read_value(second, "pneumonia_worker_model_info", model=after, precision="bfloat16") == 1
    assert (
        find_value(second, "pneumonia_worker_model_info", model=before, precision="bfloat16")
        is None
    )
    assert read_value(second, "pneumonia_worker_predictions_total", model=after) == 0


def test_nothing_of_a_record_is_in_a_label(bench: Bench) -> None:
    """Labels contain neither the sender nor the reference."""
    bench.xray = replace(bench.xray, source="DOE", reference="DOE")
    bench.xrays.add(bench.xray)
    bench.run(answer)
    text = generate_latest(REGISTRY).decode()
    assert "DOE" not in text
    assert bench.xray.id not in text
    labels = {
        label
        for family in read_families(text)
        if family.name.startswith("pneumonia_worker_")
        for sample in family.samples
        for label in sample.labels
    }
    known = {
        *("status", "step", "le", "decision", "model", "precision", "reason", "outcome"),
        *("state", "thread", "finding", "age", "form"),
    }
    assert labels <= known
