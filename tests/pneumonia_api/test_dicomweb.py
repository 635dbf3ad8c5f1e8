"""STOW-RS: X-rays from programs that push DICOM by HTTP, each stored or failed for itself."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import redis
from apiflask import APIFlask
from pydicom.uid import CTImageStorage
from werkzeug.test import TestResponse

from pneumonia_api.records import keys
from pneumonia_api.records.machine_keys import MachineKeys
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.roles import Right
from tests.model.reading.dicom_objects import build, save

NOW = datetime(2026, 11, 28, tzinfo=UTC)
PIXELS = np.arange(200 * 220, dtype=np.uint16).reshape(220, 200)
BOUNDARY = "film-boundary"
KIND = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def join(*files: bytes, kind: str = "application/dicom") -> bytes:
    """The body of a request."""
    head = f"--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n".encode()
    return b"".join(head + file + b"\r\n" for file in files) + f"--{BOUNDARY}--".encode()


@pytest.fixture
def token(client: redis.Redis) -> str:
    """A key that may upload and nothing else."""
    return MachineKeys(client).create("gateway", [Right.UPLOAD], by="lead", at=NOW)


def push(app: APIFlask, token: str, body: bytes, kind: str = KIND) -> TestResponse:
    """Send it."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    return app.test_client().post("/dicomweb/studies", data=body, headers=headers)


def read_items(answer: TestResponse, tag: str) -> list[dict[str, Any]]:
    """The items of a sequence of an answer, values by tag."""
    body = answer.get_json(force=True)
    items = body.get(tag, {"Value": []})["Value"]
    return [{name: each.get("Value", [None])[0] for name, each in item.items()} for item in items]


def list_sources(client: redis.Redis) -> list[str]:
    """Who sent what is stored."""
    return [xray.source for xray in Worklist(client).page(limit=10)[0]]


def test_each_object_becomes_an_xray(app: APIFlask, client: redis.Redis, token: str) -> None:
    """200, with class and instance of each; the source is the key's name."""
    films = [build(PIXELS), build(PIXELS[::-1])]
    answer = push(app, token, join(*map(save, films)))
    assert (answer.status_code, answer.content_type) == (200, "application/dicom+json")
    stored = read_items(answer, "00081199")
    assert [each["00081155"] for each in stored] == [film.SOPInstanceUID for film in films]
    assert {each["00081150"] for each in stored} == {films[0].SOPClassUID}
    assert list_sources(client) == ["dicom:gateway"] * 2
    assert len(client.xrange(keys.AUDIT)) == 2


def test_same_object_again_is_the_same_xray(app: APIFlask, client: redis.Redis, token: str) -> None:
    """Stored, as far as its sender is concerned, and nothing twice."""
    body = join(save(build(PIXELS)))
    assert [push(app, token, body).status_code for _ in range(3)] == [200] * 3
    assert list_sources(client) == ["dicom:gateway"]


def test_what_fails_is_named_with_its_reason(
    app: APIFlask, client: redis.Redis, token: str
) -> None:
    """202 if some are stored, 409 if none is."""
    scan, film = build(PIXELS, SOPClassUID=CTImageStorage), build(PIXELS)
    answer = push(app, token, join(save(scan), b"<html>", save(film)))
    assert answer.status_code == 202
    failed = read_items(answer, "00081198")
    assert [each["00081197"] for each in failed] == [0x0122, 0xC000]
    assert failed[0]["00081155"] == scan.SOPInstanceUID
    assert len(read_items(answer, "00081199")) == 1
    assert push(app, token, join(save(scan))).status_code == 409
    assert list_sources(client) == ["dicom:gateway"]


def test_full_queue_is_said_for_each_object(app: APIFlask, client: redis.Redis, token: str) -> None:
    """Three may wait: the fourth fails as out of resources; a request that fits not at all: 503."""
    films = [save(build(PIXELS[:, : 100 + number])) for number in range(5)]
    answer = push(app, token, join(*films[:4]))
    assert answer.status_code == 202
    assert [each["00081197"] for each in read_items(answer, "00081198")] == [0xA700]
    refused = push(app, token, join(films[4]))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert len(list_sources(client)) == 3


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", KIND, 400),
        (b"--another\r\n\r\n", KIND, 400),
        (join(b"x")[:-2], KIND, 400),
        (join(b"x", kind="image/jpeg"), KIND, 400),
        (join(b"x"), KIND.partition("; boundary")[0], 400),
        (join(b"x"), KIND.replace("application/dicom", "application/dicom+json"), 415),
        (join(b"x"), "multipart/form-data; boundary=x", 415),
        (join(b"x"), "application/dicom", 415),
        (join(bytes(26 << 20)), KIND, 413),
    ],
)
def test_body_of_another_form_is_refused(
    app: APIFlask, client: redis.Redis, token: str, body: bytes, kind: str, status: int
) -> None:
    """Whole, with the error's one form, and nothing is stored."""
    answer = push(app, token, body, kind)
    assert (answer.status_code, list_sources(client)) == (status, [])
    assert answer.json["error"]["message"]


def test_nothing_of_the_object_is_left_when_none_is_stored(
    app: APIFlask, client: redis.Redis, token: str
) -> None:
    """No record and no file."""
    push(app, token, join(b"<html>", save(build(PIXELS, SOPClassUID=CTImageStorage))))
    assert app.extensions["images"].list_names() == []
