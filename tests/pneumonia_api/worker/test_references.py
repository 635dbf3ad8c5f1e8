"""What refers to the study of a DICOM: kept with its record, at a site that wants it alone."""

import hashlib
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import redis
from apiflask import APIFlask

from pneumonia_api.records.record import XrayRecord, new_xray, read_hash
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.source_object import read_source
from pneumonia_api.records.xrays import XrayStore
from tests.model.reading.dicom_objects import build, save
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.report.read_xrays import KEPT, film
from tests.pneumonia_api.worker.accepted import Bench
from tests.pneumonia_api.worker.accepted import answer as predict
from tests.stack import ROOT

PIXELS = np.tile(np.linspace(0, 4000, 300, dtype=np.uint16), (200, 1))
STUDY = "1.2.826.4711.1"


@pytest.fixture
def bench(client: redis.Redis, redis_url: str, tmp_path: Path) -> Bench:
    """An accepted DICOM of a study."""
    bench = Bench(client, redis_url, tmp_path)
    film = build(PIXELS, StudyInstanceUID=STUDY, SeriesInstanceUID="1.2.3", PatientBirthDate="")
    bench.images.write_incoming(bench.xray.id, save(film))
    return bench


def test_references_stay_in_the_cage(bench: Bench, client: redis.Redis) -> None:
    """Unless the site wants them, no key has them."""
    record = bench.run(predict)
    assert record and record.status == "done" and not record.in_study
    assert "4711" not in str([client.hgetall(f"xray:{record.id}"), client.keys("*")])


def test_references_are_kept_and_removed_with_the_record(
    bench: Bench, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its hash alone, where they say where the film lies; removed, it is gone."""
    monkeypatch.setattr(bench.task, "_keeps_references", True)
    record = bench.run(predict)
    assert record and record.references
    source = read_source(record.references)
    assert (source.study, source.series, source.rows, source.columns) == (STUDY, "1.2.3", 200, 300)
    assert source.corners == ((0, 0), (300, 0), (0, 200))
    assert "4711" in str(client.hgetall(f"xray:{record.id}"))
    bench.xrays.delete(record)
    assert not client.exists(f"xray:{record.id}")


def test_record_has_room_for_the_longest(client: redis.Redis) -> None:
    """In the compact form of a hash, as everything in a record."""
    uids = ["1." + "9" * 62] * 4
    longest = "\\".join((*uids, *["-123456789.1234"] * 11))
    xray = done(new_xray("doctor", "d1"))
    XrayStore(client).add(XrayRecord(**{**vars(xray), "references": longest, "burned_in": True}))
    found = read_hash(client.hgetall(f"xray:{xray.id}"))
    assert (found.references, found.burned_in) == (longest, True)
    template = (ROOT / "pneumonia_api" / "redis.conf.template").read_text()
    [limit] = re.findall(r"^hash-max-listpack-value (\d+)$", template, re.MULTILINE)
    assert len(longest) < int(limit)


@pytest.mark.parametrize(
    ("keeps", "known", "reused"),
    [(True, KEPT, KEPT), (True, None, "judged again"), (False, KEPT, None), (False, None, None)],
)
def test_identical_bytes_follow_what_the_site_wants_now(
    app: APIFlask,
    client: redis.Redis,
    headers: dict[str, str],
    keeps: bool,
    known: str | None,
    reused: str | None,
) -> None:
    """One that has begun to keep references has those of a film that is sent again, too, and one
    that has ended keeps no more of them."""
    app.config["KEEPS_REFERENCES"] = keeps
    data = save(build(PIXELS, StudyInstanceUID=STUDY))
    ServedModel(client).announce({"version": "m1"})
    earlier = replace(done(new_xray("doctor", hashlib.sha256(data).hexdigest())), references=known)
    app.extensions["xrays"].add(earlier)
    app.extensions["images"].write_preview(earlier.id, film())
    sent = app.test_client().post(
        "/v1/xrays", data={"xray": (io.BytesIO(data), "x.dcm")}, headers=headers
    )
    assert sent.json
    record = app.extensions["xrays"].get(sent.json["id"])
    if reused == "judged again":
        assert record.status == "queued"
    else:
        assert (record.status, record.references) == ("done", reused)
        assert sent.json["in_study"] is bool(reused)
