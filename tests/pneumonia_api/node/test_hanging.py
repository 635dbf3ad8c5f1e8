"""Connections that say nothing, stop amid a message or say too much, and too many of them."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.model.reading.dicom_objects import build, save
from tests.pneumonia_api.node.raw import associated, send_bytes
from tests.pneumonia_api.node.running import RunningNode, call, running_node
from tests.pneumonia_api.node.test_refusals import cut_meta
from tests.pneumonia_api.node.test_store import PIXELS, list_sources, store

MOST, TIMEOUT = 2, 2
PROBES = 50


@pytest.fixture(scope="module")
def strict(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """A node with narrow limits."""
    settings = {
        "DICOM_MAX_ASSOCIATIONS": str(MOST),
        "DICOM_TIMEOUT": str(TIMEOUT),
        "MAX_BODY_MB": "1",
    }
    with running_node(tmp_path_factory.mktemp("strict"), api_url, **settings) as running:
        yield running


def wait_closed(connection: socket.socket) -> bytes:
    """What comes until the other side closes the connection. Raises TimeoutError after 20 s."""
    connection.settimeout(20)
    found = b""
    while received := connection.recv(4096):
        found += received
    return found


def test_probes_of_a_load_balancer_cost_nothing(node: RunningNode) -> None:
    """TCP connections that are opened and closed: no error is logged, nothing counted, and the
    next association is served."""
    before = node.log.read_text()
    counted = node.read_metric('pneumonia_dicom_associations_total{outcome="aborted"}')
    for _ in range(PROBES):
        socket.create_connection(("127.0.0.1", node.port), 5).close()
    assert "(Success)" in call("echoscu", node)
    assert node.log.read_text().removeprefix(before).count("\n") == 0
    assert node.read_metric('pneumonia_dicom_associations_total{outcome="aborted"}') == counted


def test_connection_that_says_nothing_is_closed(strict: RunningNode) -> None:
    """Within the timeout, and others are served meanwhile."""
    with socket.create_connection(("127.0.0.1", strict.port), 5) as silent:
        assert "(Success)" in call("echoscu", strict)
        assert wait_closed(silent) == b""


def test_message_that_stops_is_given_up(strict: RunningNode) -> None:
    """Six bytes that promise a request, and nothing more."""
    with socket.create_connection(("127.0.0.1", strict.port), 5) as hanging:
        hanging.sendall(struct.pack(">BBL", 1, 0, 200))
        wait_closed(hanging)
    assert "(Success)" in call("echoscu", strict)


def test_message_of_four_gigabytes_is_not_read(strict: RunningNode) -> None:
    """A length that no request has ends the connection before its first byte."""
    with socket.create_connection(("127.0.0.1", strict.port), 5) as greedy:
        greedy.sendall(struct.pack(">BBL", 1, 0, 0xFFFF_FFF0))
        wait_closed(greedy)
    assert "(Success)" in call("echoscu", strict)


def test_association_that_hangs_is_aborted(
    strict: RunningNode, client: redis.Redis, tmp_path: Path
) -> None:
    """One that sent an object and then nothing: what it sent stays, and its place becomes free."""
    counted = strict.read_metric('pneumonia_dicom_associations_total{outcome="aborted"}')
    film = build(PIXELS)
    with associated(strict.port) as hanging:
        data = cut_meta(save(film))
        assert send_bytes(hanging, tmp_path, data, film.SOPInstanceUID) == 0
        hanging.join(20)
        assert hanging.is_aborted
    assert list_sources(client) == ["dicom:PACS"]
    assert strict.read_metric('pneumonia_dicom_associations_total{outcome="aborted"}') > counted
    assert strict.read_metric("pneumonia_dicom_open_associations") == 0


def test_too_many_associations_are_rejected(strict: RunningNode) -> None:
    """As transient: the sender tries again."""
    with associated(strict.port) as first, associated(strict.port) as second:
        assert first.is_established
        assert second.is_established
        said = call("echoscu", strict)
        assert "Local Limit Exceeded" in said, said
    assert "(Success)" in call("echoscu", strict)


def test_object_above_the_limit_ends_its_association(
    strict: RunningNode, client: redis.Redis, tmp_path: Path
) -> None:
    """It is never in memory as a whole, and the next one is taken."""
    with associated(strict.port) as large:
        assert send_bytes(large, tmp_path, bytes(40 << 20)) is None
    assert list_sources(client) == []
    assert "(Success)" in store(strict, tmp_path, save(build(PIXELS)))
