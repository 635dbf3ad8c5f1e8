"""The age of the patient: from the DICOM through the cage into the record, as one word."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import redis

from model.reading.ages import Age, AgeBand
from model.reading.xray import XrayImage
from model.serving.golden import list_images
from model.serving.predictor import Prediction
from pneumonia_api.records.scope import ScopeRecord
from pneumonia_api.records.worklist import Worklist
from tests.model.reading.dicom_objects import build, save
from tests.pneumonia_api.records.indexed import check_lists_and_words
from tests.pneumonia_api.records.judged import listed
from tests.pneumonia_api.worker.accepted import Bench, answer

CHILDREN = AgeBand(1, 5)
PIXELS = np.tile(np.linspace(0, 4000, 300, dtype=np.uint16), (200, 1))


def predict(picture: XrayImage) -> Prediction:
    """By a model for children."""
    return replace(answer(picture), ages=CHILDREN)


@pytest.fixture
def bench(client: redis.Redis, redis_url: str, tmp_path: Path) -> Bench:
    """One accepted X-ray, and a task whose model is for children."""
    bench = Bench(client, redis_url, tmp_path)
    bench.ages = CHILDREN
    return bench


@pytest.mark.parametrize(
    ("age", "where", "outside"),
    [
        ("034Y", "above", True),
        ("003D", "under", True),
        ("018M", "within", False),
        ("200Y", "implausible", False),
        ("", "unknown", False),
    ],
)
def test_age_of_a_dicom_decides(
    bench: Bench, client: redis.Redis, age: str, where: Age, outside: bool
) -> None:
    """The record is done, with its scope; neither age nor date is in Redis."""
    film = build(PIXELS, PatientAge=age, PatientBirthDate="", StudyDate="20240601")
    bench.images.write_incoming(bench.xray.id, save(film))
    record = bench.run(predict)
    assert record
    assert record.status == "done"
    assert record.scope == ScopeRecord(outside, where, 1, 5)
    stored = str(client.hgetall(f"xray:{record.id}"))
    assert "20240601" not in stored
    assert not age or age not in stored


def test_picture_says_nothing_of_an_age(bench: Bench) -> None:
    """No PNG or JPEG does, and nobody guesses."""
    chest, _ = list_images()[0]
    bench.images.write_incoming(bench.xray.id, chest.read_bytes())
    record = bench.run(predict)
    assert record
    assert record.scope == ScopeRecord(False, "unknown", 1, 5)


def test_model_without_ages_asks_nothing(bench: Bench) -> None:
    """One of an earlier release: what the file says cannot be placed."""
    bench.ages = None
    bench.images.write_incoming(bench.xray.id, save(build(PIXELS, PatientAge="034Y")))
    record = bench.run(answer)
    assert record
    assert record.scope == ScopeRecord(False, "unknown", None, None)


def accept_number(bench: Bench, number: str) -> None:
    """The upload is a DICOM with this accession number."""
    film = build(PIXELS, AccessionNumber=number, PatientBirthDate="", ViewPosition="AP")
    bench.images.write_incoming(bench.xray.id, save(film))


def test_accession_number_stays_in_the_cage(bench: Bench, client: redis.Redis) -> None:
    """Unless the site wants it; the view is no secret."""
    accept_number(bench, "ACC-77")
    record = bench.run(predict)
    assert record
    assert (record.reference, record.accession, record.view) == ("", None, "AP")
    assert "ACC-77" not in str(client.hgetall(f"xray:{record.id}"))
    assert not [key for key in client.keys("*") if "ACC" in key]


def test_machine_is_kept_without_its_station(bench: Bench, client: redis.Redis) -> None:
    """Maker and model are in the record; what says which machine it was is nowhere."""
    film = build(
        PIXELS,
        Manufacturer="Fuji",
        ManufacturerModelName="DR-1",
        StationName="ROOM-3",
        DeviceSerialNumber="SN-47",
    )
    bench.images.write_incoming(bench.xray.id, save(film))
    record = bench.run(predict)
    assert record and record.device == "Fuji DR-1"
    stored = str(client.hgetall(f"xray:{record.id}"))
    assert "ROOM-3" not in stored and "SN-47" not in stored


def test_accession_number_is_the_reference_where_the_site_wants_it(
    bench: Bench, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found by that, and no longer by the end of its id; every index follows."""
    monkeypatch.setattr(bench.task, "_takes_accession", True)
    accept_number(bench, "ACC-77")
    record = bench.run(predict)
    assert record
    assert (record.reference, record.accession) == ("ACC-77", "ACC-77")
    assert Worklist(client).page(q="acc-77", limit=5)[0] == [listed(record)]
    assert Worklist(client).page(q=record.id[-8:], limit=5)[0] == []
    check_lists_and_words(client)


def test_given_reference_goes_before_the_number(
    bench: Bench, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person typed is never replaced."""
    monkeypatch.setattr(bench.task, "_takes_accession", True)
    client.hset(f"xray:{bench.xray.id}", "reference", "Typed")
    accept_number(bench, "ACC-77")
    record = bench.run(predict)
    assert record
    assert (record.reference, record.accession) == ("Typed", "ACC-77")
