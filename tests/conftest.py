"""Fixtures of all tests: the real samples, the larger data, a Redis, one running system."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pneumonia_api.batch.server import Server
from tests.stack import ROOT, Stack, running_stack

XRAY_DATA = Path(os.environ.get("XRAY_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def samples() -> list[Path]:
    """The sixteen real X-rays of `make samples`."""
    found = sorted((ROOT / "var" / "samples").glob("*.jpeg"))
    if not found:
        pytest.skip("var/samples is empty; `make samples` fills it")
    return found


@pytest.fixture(scope="session")
def xray_data() -> Path:
    """The larger data, which is not part of the project."""
    if not XRAY_DATA.is_dir():
        pytest.skip(f"no data at {XRAY_DATA}; set XRAY_DATA to a folder that has it")
    return XRAY_DATA


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, as `make run` starts it; one for all tests that only use it."""
    with running_stack(tmp_path_factory.mktemp("var")) as running:
        yield running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A Redis of its own for each test, which it may stop and start."""
    (tmp_path / "redis").mkdir()
    server = Server(tmp_path / "redis")
    yield server
    server.client.close()
    server.stop()


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a figure of a test that passes."""

    def show(text: str) -> None:
        with capsys.disabled():
            print(f" [{text}]", end="")

    return show
