"""A cage that can be attacked."""

import pytest

from model.cage.pool import Cage


@pytest.fixture(scope="module")
def attacked() -> Cage:
    """Two children with an exploitable decoder."""
    return Cage(2, "tests.model.cage.attacks")
