"""What the node refuses, what it says then, and that it goes on afterwards."""

from pathlib import Path

import pytest
import redis
from pydicom.uid import CTImageStorage, generate_uid

from tests.model.reading.dicom_objects import PATIENT, build, save
from tests.pneumonia_api.node.raw import associated, send_bytes
from tests.pneumonia_api.node.running import RunningNode, call, call_at, running_node
from tests.pneumonia_api.node.test_store import PIXELS, list_sources, store
from tests.stack import free_ports

TRY_AGAIN = "Refused: OutOfResources"
"""Status A700 in the words of storescu."""

HTML = "<script>alert(1)</script>"


def cut_meta(file: bytes) -> bytes:
    """The data set of a file."""
    length = int.from_bytes(file[140:144], "little")
    return file[144 + length :]


@pytest.mark.parametrize("calling", ["STRANGER", "ELSEWHERE"])
def test_unlisted_title_or_address_is_rejected(node: RunningNode, calling: str) -> None:
    """Also a listed title from another address."""
    said = call("echoscu", node, calling=calling)
    assert "Calling AE Title Not Recognized" in said, said
    assert f'"calling": "{calling}"' in node.log.read_text()


def test_wrong_called_title_is_rejected(node: RunningNode) -> None:
    """A PACS that means another service learns it at once."""
    said = call_at(node.port, "echoscu", calling="PACS", called="ANOTHER")
    assert "Called AE Title Not Recognized" in said, said


def test_other_classes_are_not_accepted(node: RunningNode, tmp_path: Path) -> None:
    """A CT is refused before it is sent."""
    said = store(node, tmp_path, save(build(PIXELS, SOPClassUID=CTImageStorage)), "-R")
    assert "No Acceptable Presentation Contexts" in said, said


def test_damaged_object_is_not_understood(
    node: RunningNode, client: redis.Redis, tmp_path: Path
) -> None:
    """A data set that ends amid an element: status C000, no record, and the next one is taken."""
    with associated(node.port) as association:
        assert send_bytes(association, tmp_path, b"\x08\x00\x60\x00CS\xff\x00D") == 0xC000
        assert send_bytes(association, tmp_path, b"<html>") == 0xC000
    assert list_sources(client) == []
    assert "(Success)" in store(node, tmp_path, save(build(PIXELS)))


def test_another_object_than_announced_is_a_mismatch(
    node: RunningNode, client: redis.Redis, tmp_path: Path
) -> None:
    """Another class or instance in the data set than in the request: A900, and no record."""
    other = build(PIXELS, SOPClassUID=CTImageStorage)
    with associated(node.port) as association:
        ct = send_bytes(association, tmp_path, cut_meta(save(other)), other.SOPInstanceUID)
        unlike = send_bytes(association, tmp_path, cut_meta(save(build(PIXELS))), generate_uid())
    assert (ct, unlike) == (0xA900, 0xA900)
    assert list_sources(client) == []


def test_patient_id_that_is_html_is_only_bytes(
    node: RunningNode, client: redis.Redis, tmp_path: Path
) -> None:
    """It is taken, and is in no record and no log."""
    data = save(build(PIXELS, PatientID=HTML, PatientName=HTML, AccessionNumber=HTML[:16]))
    assert "(Success)" in store(node, tmp_path, data)
    [key] = client.keys("xray:*")
    assert HTML[:16] not in str(client.hgetall(key))
    log = node.log.read_text()
    assert HTML[:8] not in log
    assert PATIENT not in log


def test_api_that_is_away_is_out_of_resources(client: redis.Redis, tmp_path: Path) -> None:
    """A700 says: try again; nothing is claimed to be stored."""
    nowhere = f"http://127.0.0.1:{free_ports()['API_PORT']}"
    with running_node(tmp_path, nowhere) as lost:
        said = store(lost, tmp_path, save(build(PIXELS)))
        assert TRY_AGAIN in said, said
        assert lost.read_metric('pneumonia_dicom_objects_total{outcome="unavailable"}') == 1


def test_wrong_key_is_out_of_resources(api_url: str, client: redis.Redis, tmp_path: Path) -> None:
    """The sender did nothing wrong, and may try again once the key is right."""
    with running_node(tmp_path, api_url, DICOM_KEY="another") as strange:
        assert TRY_AGAIN in store(strange, tmp_path, save(build(PIXELS)))
    assert list_sources(client) == []


def test_full_queue_is_out_of_resources(
    node: RunningNode, client: redis.Redis, tmp_path: Path
) -> None:
    """As 503 is to others; the same object is taken when there is room."""
    data = save(build(PIXELS))
    client.zadd("xrays:status:queued", {f"{number:032x}": 0 for number in range(600)})
    assert TRY_AGAIN in store(node, tmp_path, data)
    client.delete("xrays:status:queued")
    assert "(Success)" in store(node, tmp_path, data)
    assert list_sources(client) == ["dicom:PACS"]
