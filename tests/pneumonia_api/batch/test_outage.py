"""`pneumonia_api.batch.outage`: which errors are retried, how long, and what is printed."""

import pytest
import redis

from pneumonia_api.batch import outage
from pneumonia_api.batch.outage import retry_through_outage


class Redis:
    """Raises its errors one after another, then answers; counts the calls."""

    def __init__(self, *errors: redis.RedisError) -> None:
        self.errors, self.calls = list(errors), 0

    def ask(self) -> str:
        """One command."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which take no time here."""
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    return slept


def test_outage_is_reported_once_and_outlived(
    pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every kind of outage is retried, with pauses that grow to five seconds."""
    kinds = (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError)
    server = Redis(*(kind() for kind in kinds * 2))
    assert retry_through_outage(server.ask) == "answer"
    assert server.calls == 7
    assert pauses == [0.5, 1, 2, 4, 5, 5]
    printed = capsys.readouterr().out.splitlines()
    assert [line.partition(";")[0] for line in printed] == [
        "Redis does not answer",
        "Redis answers again",
    ]


def test_nothing_is_printed_without_an_outage(capsys: pytest.CaptureFixture[str]) -> None:
    """The usual case."""
    assert retry_through_outage(Redis().ask) == "answer"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", [redis.AuthenticationError, redis.ResponseError])
def test_what_waiting_does_not_help_is_raised_at_once(kind: type[redis.RedisError]) -> None:
    """A wrong password is a ConnectionError to redis-py, but it stays wrong."""
    server = Redis(kind())
    with pytest.raises(kind):
        retry_through_outage(server.ask)
    assert server.calls == 1


def test_long_outage_raises_the_error_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """After WAIT_SECONDS, so that the caller reports what Redis said."""
    monkeypatch.setattr(outage, "WAIT_SECONDS", 0)
    with pytest.raises(redis.TimeoutError):
        retry_through_outage(Redis(redis.TimeoutError(), redis.TimeoutError()).ask)
