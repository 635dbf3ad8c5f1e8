"""One Redis, one API and one node for the tests that only use them."""

from collections.abc import Iterator

import pytest

from tests.pneumonia_api.node.running import KEY, RunningNode, running_node
from tests.pneumonia_api.node.sockets import collecting
from tests.service import running_service
from tests.stack import free_ports


@pytest.fixture(autouse=True, scope="module")
def _no_sockets_left() -> Iterator[None]:
    with collecting():
        yield


@pytest.fixture(scope="module")
def api_url(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real API without a worker."""
    folder = tmp_path_factory.mktemp("api")
    port = free_ports()["API_PORT"]
    settings = {
        "REDIS_URL": redis_url,
        "API_KEY": "key-of-the-test",
        "DICOM_KEY": KEY,
        "IMAGE_STORE": (folder / "images").as_uri(),
        "MAX_QUEUED": "600",
    }
    with running_service("pneumonia_api", port, folder, settings):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def node(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """A real node before that API."""
    with running_node(tmp_path_factory.mktemp("node"), api_url) as running:
        yield running
