"""What the tools of dcmtk send to the node becomes X-rays, each once."""

from pathlib import Path

import numpy as np
import pytest
import redis
from pydicom.uid import UID, JPEG2000Lossless

from model.reading.dicom.accepted import SOP_CLASSES
from pneumonia_api.records import keys
from pneumonia_api.records.worklist import Worklist
from tests.model.reading.dicom_objects import LOSSLESS, build, save
from tests.pneumonia_api.node.running import RunningNode, call

PIXELS = np.arange(200 * 220, dtype=np.uint16).reshape(220, 200)


def list_sources(client: redis.Redis) -> list[str]:
    """Who sent what is stored, newest first."""
    found, _ = Worklist(client).page(limit=10)
    return [xray.source for xray in found]


def store(
    node: RunningNode, folder: Path, data: bytes, *options: str, calling: str = "PACS"
) -> str:
    """What storescu says about sending a file."""
    file = folder / "film.dcm"
    file.write_bytes(data)
    return call("storescu", node, *options, file, calling=calling)


def test_echo_is_answered(node: RunningNode) -> None:
    """C-ECHO, by which a technician tries the connection."""
    assert "Received Echo Response (Success)" in call("echoscu", node)


def test_film_becomes_a_record_of_its_sender(
    node: RunningNode, client: redis.Redis, tmp_path: Path
) -> None:
    """Success, and the X-ray waits to be judged with the AE title as its source."""
    said = store(node, tmp_path, save(build(PIXELS)))
    assert "Received Store Response (Success)" in said, said
    assert list_sources(client) == ["dicom:PACS"]


def test_same_object_again_is_the_same_xray(
    node: RunningNode, client: redis.Redis, tmp_path: Path
) -> None:
    """Whoever sends it, and however often: success, and nothing twice."""
    data = save(build(PIXELS))
    for calling in ("PACS", "PACS", "XRAY1"):
        assert "(Success)" in store(node, tmp_path, data, calling=calling)
    assert list_sources(client) == ["dicom:PACS"]
    [key] = client.keys("sent:*")
    assert client.ttl(key) > 29 * 24 * 3600  # also after a long weekend


@pytest.mark.parametrize("syntax", [*LOSSLESS, JPEG2000Lossless], ids=lambda each: each.keyword)
def test_each_transfer_syntax_is_taken_as_it_is(
    node: RunningNode, client: redis.Redis, tmp_path: Path, syntax: UID
) -> None:
    """The stored bytes are of the syntax that was sent: nothing is decoded on the way."""
    option = {
        "ImplicitVRLittleEndian": "-xi",
        "ExplicitVRLittleEndian": "-xe",
        "ExplicitVRBigEndian": "-xb",
        "DeflatedExplicitVRLittleEndian": "-xd",
        "RLELossless": "-xr",
        "JPEG2000Lossless": "-xv",
    }[syntax.keyword]
    said = store(node, tmp_path, save(build(PIXELS), syntax), option)
    assert "(Success)" in said, said
    assert list_sources(client) == ["dicom:PACS"]


@pytest.mark.parametrize("sop_class", [*map(UID, SOP_CLASSES)], ids=lambda each: each.keyword)
def test_each_storage_class_is_taken(
    node: RunningNode, client: redis.Redis, tmp_path: Path, sop_class: UID
) -> None:
    """CR, DX for presentation and for processing, and secondary capture."""
    said = store(node, tmp_path, save(build(PIXELS, SOPClassUID=sop_class)), "-R")
    assert "(Success)" in said, said
    assert list_sources(client) == ["dicom:PACS"]


def test_500_objects_in_one_association(
    node: RunningNode, client: redis.Redis, tmp_path: Path
) -> None:
    """Each is an X-ray, none is lost, and none is there twice when some are sent again."""
    for number in range(500):
        pixels = np.full((200, 200), number % 256, np.uint8)
        (tmp_path / f"{number:03}.dcm").write_bytes(save(build(pixels)))
    said = call("storescu", node, "+sd", tmp_path)
    assert said.count("Received Store Response (Success)") == 500
    again = tmp_path / "007.dcm"
    assert "(Success)" in call("storescu", node, again, again)
    assert client.zcard(keys.status("queued")) == client.llen(keys.QUEUE) == 500
    with client.pipeline(transaction=False) as pipe:
        for xray_id in client.zrange(keys.XRAYS, 0, -1):
            pipe.hget(keys.xray(xray_id), "digest")
        assert len(set(pipe.execute())) == 500
