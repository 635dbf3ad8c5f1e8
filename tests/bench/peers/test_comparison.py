"""The rows and tables of the side-by-side measurement."""

from typing import Any

import pytest

from tests.bench.peers.catalogue import BARE, FASTEST, FLOAT32, FULL, OURS
from tests.bench.peers.comparison import format_services, format_summary, peers_rows


def make_service(
    name: str,
    variant: str,
    precision: str = FASTEST,
    ms: tuple[float, float, float] = (10, 20, 40),
    rates: tuple[float, float, float] = (60, 70, 70),
    wrong: int = 0,
) -> dict[str, Any]:
    """A service that needs `ms` for each answer and gives `rates` a second, by clients."""
    levels = {
        str(clients): {
            "seconds": [milliseconds / 1000] * 5,
            "per_second": per_second,
            "sent": 5 + wrong,
            "errors": {},
            "wrong": wrong,
            "cpu_ms": 20.0,
            "clients_cpu_ms": 1.0,
        }
        for clients, milliseconds, per_second in zip((1, 4, 16), ms, rates, strict=True)
    }
    return {
        "name": name,
        "precision": precision,
        "variant": variant,
        "settings": "one worker",
        "cold_start": [1.0],
        "memory_mb": [300.0],
        "levels": levels,
    }


def make_found(*services: dict[str, Any]) -> dict[str, Any]:
    """What the measurement returns."""
    return {"services": list(services), "skipped": {"Other": "no package"}, "bystanders": 0.01}


PEER = make_service("peer", BARE)
FULL_PEER = make_service("peer", FULL, ms=(20, 40, 80), rates=(40, 50, 50))


@pytest.mark.parametrize(
    ("ms", "rates", "reached"),
    [
        ((15, 20, 39), (50, 60, 60), [True, True, True, True]),
        ((15.1, 20, 39), (50, 60, 60), [False, True, True, True]),
        ((15, 20, 39), (50, 59, 60), [True, False, True, True]),
        ((15, 20, 39), (50, 60, 59), [True, True, False, True]),
        ((15, 20, 40), (50, 60, 60), [True, True, True, False]),
    ],
)
def test_goals_against_bare_peers(
    ms: tuple[float, float, float], rates: tuple[float, float, float], reached: list[bool]
) -> None:
    """1.5 times the p50 of 1 client, 0.85 of the throughput of 4 and 16, a lower p99 of 16."""
    found = make_found(PEER, make_service("ours", OURS, ms=ms, rates=rates))
    assert [row.reached for row in peers_rows(found)[:4]] == reached


def test_each_goal_is_against_the_best_of_the_peers_in_it() -> None:
    """The fastest for one client need not be the one with the highest throughput."""
    slow_but_many = make_service("many", BARE, ms=(30, 40, 80), rates=(60, 100, 100))
    found = make_found(PEER, slow_but_many, make_service("ours", OURS, rates=(60, 70, 70)))
    p50, four, sixteen, p99 = peers_rows(found)[:4]
    assert "(peer)" in p50.measured
    assert "(many)" in four.measured
    assert "(many)" in sixteen.measured
    assert "(peer)" in p99.measured
    assert [p50.reached, four.reached, sixteen.reached] == [True, False, False]


def test_peers_in_float32_and_ours_in_float32_are_not_compared() -> None:
    """Each takes part in its fastest precision."""
    found = make_found(
        PEER,
        make_service("fast float32", BARE, FLOAT32, ms=(1, 1, 1), rates=(999, 999, 999)),
        make_service("ours", OURS, ms=(9, 9, 9), rates=(99, 99, 99)),
        make_service("ours", OURS, FLOAT32, ms=(99, 99, 99), rates=(1, 1, 1)),
    )
    assert all(row.reached for row in peers_rows(found))


def test_first_in_every_column_against_full_peers() -> None:
    """Twelve columns; equal is not first, and a column that is lost is named with its peer."""
    ours = make_service("ours", OURS, ms=(19, 39, 79), rates=(41, 51, 51))
    [row, _] = peers_rows(make_found(FULL_PEER, ours))
    assert row.reached
    assert "12 of 12" in row.measured
    ours = make_service("ours", OURS, ms=(19, 39, 79), rates=(41, 50, 51))
    [row, _] = peers_rows(make_found(FULL_PEER, ours))
    assert not row.reached
    assert "11 of 12" in row.measured
    assert "of 4: 1.00 times peer" in row.measured


def test_a_wrong_answer_of_any_service_misses_the_goal() -> None:
    """A comparison with a service that answers wrongly says nothing."""
    found = make_found(PEER, make_service("ours", OURS, wrong=1))
    last = peers_rows(found)[-1]
    assert not last.reached
    assert last.measured.startswith("3 of 33")


def test_without_this_service_the_goal_is_missed() -> None:
    """A run in which it did not start is not silent."""
    [row] = peers_rows(make_found(PEER))
    assert row.reached is False


def test_table_lists_every_service_and_what_is_missing() -> None:
    """Each line has its figures; a peer that cannot be had stands below with its reason."""
    text = format_services(make_found(PEER, FULL_PEER, make_service("ours", OURS)))
    assert "| peer, bare, fastest precision | 10, 10, 10; 60/s |" in text
    assert "| peer, full, fastest precision | 20, 20, 20; 40/s |" in text
    assert "| ours, fastest precision |" in text
    assert "- Other: no package" in text


def test_summary_has_one_line_for_each_fast_service() -> None:
    """float32 lines are left out, but for the naive service, which has no other."""
    found = make_found(PEER, make_service("peer", BARE, FLOAT32), make_service("ours", OURS))
    text = format_summary(found, "Processor, 2 cores, load 0.1 at the start; Python.")
    assert text.startswith("Processor, 2 cores:\n")
    assert text.count("| peer, bare |") == 1
    assert "| ours | 10 ms | 70 | 40 ms |" in text
