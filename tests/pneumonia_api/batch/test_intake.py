"""`pneumonia_api.batch.intake`: how far ahead files are read."""

from collections.abc import Callable

from pneumonia_api.batch.intake import lookahead


def test_lookahead_starts_one_more_than_it_collects() -> None:
    """Memory stays bounded: only the next item is started before one is collected."""
    events: list[str] = []

    def begin(item: int) -> Callable[[], None]:
        events.append(f"start {item}")
        return lambda: events.append(f"collect {item}")

    list(lookahead(range(3), begin))
    assert events == ["start 0", "start 1", "collect 0", "start 2", "collect 1", "collect 2"]
