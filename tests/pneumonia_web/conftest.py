"""Who visits the pages."""

from collections.abc import Iterator

import pytest

from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack


@pytest.fixture
def doctor(stack: Stack) -> Iterator[Visitor]:
    """A logged-in visitor."""
    visitor = Visitor(stack.url)
    assert visitor.log_in(stack.user, stack.password).url.endswith("/xrays")
    yield visitor
    visitor.session.close()
