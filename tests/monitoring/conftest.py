"""One running system with its monitoring, shared by all tests."""

from collections.abc import Iterator

import pytest

from local.parts import CannotStart
from local.watchers import check_programs
from tests.monitoring.watched import Watched
from tests.monitoring.webhook import listening
from tests.stack import running_stack

SCRAPE_SECONDS = 2
WAIT_SECONDS = 4
"""Two evaluations, so that a condition that holds for only one does not fire."""

MAX_QUEUED = 6
"""X-rays that may wait, so that few uploads fill the queue."""


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The whole system with MONITORING=1, short waiting times and a webhook for its alerts."""
    try:
        check_programs()
    except CannotStart as error:
        pytest.skip(str(error))
    with (
        listening() as webhook,
        running_stack(
            tmp_path_factory.mktemp("watched"),
            MONITORING="1",
            SCRAPE_SECONDS=str(SCRAPE_SECONDS),
            ALERT_WEBHOOK=webhook.url,
            MAX_QUEUED=str(MAX_QUEUED),
        ) as stack,
    ):
        running = Watched(stack, webhook)
        running.shorten_waits(WAIT_SECONDS)
        yield running
