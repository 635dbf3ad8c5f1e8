"""`model.cage`: an exploited or failing decoder affects only its own X-ray."""

import logging
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.cage import children as cage_children
from model.cage import exchange
from model.cage.pool import Cage, CageFault
from model.reading.limits import UnreadableXray
from tests.model.cage.calls import attack, read


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A server that an attack might connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.skipif(sys.platform != "linux", reason="system calls are filtered on Linux alone")
@pytest.mark.parametrize(
    "name",
    [
        *("write_file", "read_file", "connect", "fork", "execute", "start_thread", "kill_parent"),
        *("kill_self", "limit_parent", "trace_parent", "map_code"),
    ],
)
def test_decoder_that_was_taken_over_gets_nowhere(
    attacked: Cage, tmp_path: Path, listener: socket.socket, name: str
) -> None:
    """The system call is refused, leaves nothing behind, and the next X-ray is read."""
    secret = tmp_path / "secret"
    secret.write_text("of the service")
    port = listener.getsockname()[1]
    argument = {"connect": port, "read_file": secret}.get(name, tmp_path / "left")
    with pytest.raises(CageFault, match=r"\n(PermissionError|RuntimeError)$") as fault:
        attack(attacked, name, argument)
    assert name in str(fault.value)
    read(attacked)
    assert list(tmp_path.iterdir()) == [secret]
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("crash", "crashed"),
        ("abort", "crashed"),
        ("leave", "crashed"),
        ("babble", "crashed"),
        ("spin", "too_slow"),
        ("allocate", "too_complex"),
    ],
)
def test_decoder_that_breaks_down_costs_its_xray(attacked: Cage, name: str, reason: str) -> None:
    """A crash, an endless loop and ten gigabytes each refuse one X-ray, in one sentence."""
    with pytest.raises(UnreadableXray, match=r"\.$") as refused:
        attack(attacked, name)
    assert refused.value.reason == reason
    read(attacked)


def test_decoder_that_hangs_is_ended_and_the_others_do_not_notice(
    attacked: Cage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It uses no CPU time, so the wall-clock limit ends it; meanwhile X-rays are read."""
    monkeypatch.setattr(exchange, "WALL_SECONDS", 2)
    reasons = []

    def hang() -> None:
        with pytest.raises(UnreadableXray) as refused:
            attack(attacked, "sleep", 600)
        reasons.append(refused.value.reason)

    thread = threading.Thread(target=hang)
    thread.start()
    while thread.is_alive():
        read(attacked)
    thread.join()
    assert reasons == ["too_slow"]


def test_unexpected_error_is_a_fault_that_quotes_nothing(attacked: Cage) -> None:
    """The fault says where it was raised, but not its message, which may hold patient data."""
    with pytest.raises(CageFault, match="ArithmeticError") as fault:
        attack(attacked, "raise_error", "DOE^JANE")
    assert "DOE" not in str(fault.value)
    read(attacked)


def test_where_no_calls_are_filtered_limits_hold_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The limit of open files prevents new files and connections; the warning is logged once."""
    cage_children._warned.clear()
    cage = Cage(1, "tests.model.cage.attacks_unfiltered")
    with caplog.at_level(logging.WARNING):
        for name in ("write_file", "connect"):
            with pytest.raises(CageFault, match="OSError"):
                attack(cage, name, tmp_path / "left" if name == "write_file" else 9)
        read(cage)
    assert caplog.text.count("filters no system calls") == 1
    assert not list(tmp_path.iterdir())
