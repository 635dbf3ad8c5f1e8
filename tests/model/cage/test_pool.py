"""`model.cage.pool`: a cage reads as `read_xray` does, and replaces what dies."""

import csv
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from model.cage.exchange import unpack
from model.cage.messages import ANSWER_HEAD
from model.cage.pool import Cage, CagedXray, CageFault, CageLost, LargeBusy, NoLongerWanted
from model.reading.ages import AGES, AgeBand
from model.reading.limits import MAX_PIXELS, UnreadableXray
from model.reading.xray import XrayImage, encode_preview, model_input, read_xray
from tests.model.cage.calls import GREY, ORDINARY, attack, read
from tests.model.reading.dicom_objects import build, save
from tests.model.reading.encoding import encode
from tests.stack import ROOT

WAIT_SECONDS = 30
"""Generous, for a busy machine."""


def find_children(cage: Cage) -> list[psutil.Process]:
    """The nursery and its children."""
    [nursery] = [p for p in psutil.Process().children() if _is_nursery_of(p, cage)]
    return [nursery, *nursery.children()]


def _is_nursery_of(process: psutil.Process, cage: Cage) -> bool:
    return cage._nursery is not None and process.pid == cage._nursery._process.pid


@pytest.mark.parametrize(
    "data",
    [
        ORDINARY,
        encode(Image.fromarray(GREY).resize((1500, 1000)), "JPEG"),
        encode(Image.fromarray(GREY.astype(np.uint16) * 16)),
        save(build(GREY)),
    ],
    ids=["JPEG", "JPEG with a scaled preview", "PNG", "DICOM"],
)
def test_caged_and_uncaged_are_one(attacked: Cage, data: bytes) -> None:
    """Input, preview, size and warnings equal those of `read_xray` exactly."""
    caged, xray = read(attacked, data), read_xray(data)
    assert np.array_equal(caged.input, model_input(xray))
    assert caged.preview == encode_preview(xray)
    assert (caged.width, caged.height) == (xray.width, xray.height)
    assert caged.warnings == xray.warnings


def test_only_the_place_in_the_band_leaves_the_cage(attacked: Cage) -> None:
    """The band goes in, one word comes out; without a band nothing is read."""
    film = save(build(GREY.astype(np.uint16) * 16, PatientAge="004Y", PatientBirthDate=""))
    assert attacked.read(film, MAX_PIXELS, 224, ages=AgeBand(1, 5)).age == "within"
    assert attacked.read(film, MAX_PIXELS, 224, ages=AgeBand(6, 17)).age == "under"
    assert attacked.read(film, MAX_PIXELS, 224).age == "unknown"


def test_age_that_is_none_of_the_words_is_a_crash() -> None:
    """What a child sends is not trusted."""
    head = ANSWER_HEAD.pack(300, 200, 2, len(AGES), 0, 0, 0, 0, False)
    with pytest.raises(UnreadableXray, match="crashed"):
        unpack(head + b"[]" + bytes(4 * 224 * 224), 224)


def test_input_is_there_before_the_preview(attacked: Cage) -> None:
    """The network may run meanwhile; what the block leaves is not read as the next X-ray's."""
    with attacked.begin(ORDINARY, MAX_PIXELS, 224) as reading:
        assert np.array_equal(reading.xray.input, model_input(read_xray(ORDINARY)))
    with attacked.begin(ORDINARY, MAX_PIXELS, 224) as reading:
        preview = reading.wait_preview()
        assert reading.wait_preview() == preview
    assert read(attacked).preview == preview
    with pytest.raises(ArithmeticError), attacked.begin(ORDINARY, MAX_PIXELS, 224):
        raise ArithmeticError
    assert read(attacked).preview == preview


def test_refusal_comes_out_as_it_is(attacked: Cage) -> None:
    """The same sentence and reason as without a cage."""
    with pytest.raises(UnreadableXray, match="not a JPEG, PNG, TIFF or DICOM") as refused:
        read(attacked, b"no image")
    assert refused.value.reason == "unreadable"


def test_child_killed_from_outside_is_no_fault_of_its_xray(attacked: Cage) -> None:
    """CageLost, on which a worker retries; the next X-ray is read."""
    lost = []

    def sleep() -> None:
        with pytest.raises(CageLost) as error:
            attack(attacked, "sleep", 600)
        lost.append(error.value)

    read(attacked)
    thread = threading.Thread(target=sleep)
    thread.start()
    while not lost:
        for child in find_children(attacked)[1:]:
            child.kill()
        time.sleep(0.1)
    thread.join()
    read(attacked)


def test_idle_child_and_nursery_that_were_killed_are_replaced(attacked: Cage) -> None:
    """A dead child costs nothing, a dead nursery at most one attempt."""
    read(attacked)
    read(attacked)
    for child in find_children(attacked)[1:]:
        child.kill()
    time.sleep(0.5)
    read(attacked)
    nursery, *children = find_children(attacked)
    nursery.kill()
    assert not psutil.wait_procs(children, WAIT_SECONDS)[1]
    for _ in range(3):
        try:
            read(attacked)
        except CageLost:
            continue
        break
    else:
        raise AssertionError("the nursery was not replaced")


@pytest.mark.parametrize("wanted", [True, False])
def test_large_xrays_wait_and_then_call_wanted(attacked: Cage, wanted: bool) -> None:
    """One at a time in all children; after waiting, `wanted` decides whether to read on."""
    first = threading.Thread(target=lambda: _hold(attacked, 1.5))
    first.start()
    while not attacked._large.locked():
        time.sleep(0.01)
    asked = []

    def ask() -> bool:
        asked.append(first.is_alive())
        return wanted

    expected = CageFault if wanted else NoLongerWanted
    with pytest.raises(expected):
        attacked.read(b"attack hold_gate 0", MAX_PIXELS, 224, ask)
    first.join()
    assert len(asked) == 1
    assert not attacked._large.locked()
    read(attacked)


def test_large_xray_that_may_not_wait_is_left(attacked: Cage) -> None:
    """It returns while the other one is still decoded, and costs the cage nothing."""
    first = threading.Thread(target=lambda: _hold(attacked, 3))
    first.start()
    while not attacked.decodes_large:
        time.sleep(0.01)
    with pytest.raises(LargeBusy):
        attacked.read(b"attack hold_gate 0", MAX_PIXELS, 224, wait_if_large=False)
    assert first.is_alive()
    read(attacked)
    first.join()
    assert not attacked.decodes_large


def _hold(cage: Cage, seconds: float) -> None:
    with pytest.raises(CageFault, match="AssertionError"):
        attack(cage, "hold_gate", seconds)


def test_wanted_is_called_after_waiting_for_a_child() -> None:
    """While it waited, its X-ray may have been analysed or deleted."""
    cage = Cage(1, "tests.model.cage.attacks")
    thread = threading.Thread(target=_hold, args=(cage, 1))
    thread.start()
    while not cage._free.empty():
        time.sleep(0.01)
    with pytest.raises(NoLongerWanted):
        cage.read(ORDINARY, MAX_PIXELS, 224, lambda: False)
    thread.join()
    read(cage)


def test_nothing_of_the_service_is_in_the_cage(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret is in its environment, and no file of the service is open in a child."""
    monkeypatch.setenv("API_KEY", "secret of the service")
    cage = Cage(1)
    read(cage)
    nursery, child = find_children(cage)
    assert "API_KEY" not in nursery.environ()
    if sys.platform == "linux":
        files = sorted(str(file.readlink()) for file in Path(f"/proc/{child.pid}/fd").iterdir())
        kinds = [name.split(":")[0] for name in files]
        assert kinds == [*["/dev/null"] * 3, "/memfd", "socket"]


ORPHAN = """
import threading
from model.cage.pool import Cage
cage = Cage(1, "tests.model.cage.attacks")
cage.read(open("{file}", "rb").read(), 60_000_000, 224)
threading.Thread(target=cage.read, args=(b"attack sleep 600", 60_000_000, 224)).start()
print("asleep", flush=True)
"""


def test_children_end_with_the_process_that_they_read_for(tmp_path: Path) -> None:
    """After SIGKILL no child runs on, not even one that hangs."""
    file = tmp_path / "xray.jpg"
    file.write_bytes(ORDINARY)
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN.format(file=file)], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"asleep\n"
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == 2  # the nursery and its child
        process.send_signal(signal.SIGKILL)
    assert not psutil.wait_procs(children, WAIT_SECONDS)[1]


def _conclude(
    reader: Callable[[bytes], XrayImage | CagedXray], data: bytes
) -> tuple[int, int] | str:
    try:
        xray = reader(data)
    except UnreadableXray as error:
        return str(error)
    return xray.width, xray.height


def test_malformed_files_end_alike_and_end_no_child(
    xray_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Broken, odd and malicious files give the outcome of `read_xray`, and no child dies."""
    folder = xray_data / "malformed_dev"
    with (folder / "manifest.csv").open() as file:
        names = [row["file"] for row in csv.DictReader(file)]
    cage = Cage(1)
    for name in names:
        data = (folder / name).read_bytes()
        caged, uncaged = (_conclude(reader, data) for reader in (partial(read, cage), read_xray))
        assert caged == uncaged, name
    assert "a reader" not in caplog.text
