"""What all tests of sent results need."""

from collections.abc import Iterator

import pytest

from tests.pneumonia_api.node.sockets import collecting


@pytest.fixture(autouse=True, scope="module")
def _no_sockets_left() -> Iterator[None]:
    with collecting():
        yield
