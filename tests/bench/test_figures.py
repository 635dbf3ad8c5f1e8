"""The statistics of the bench."""

import pytest

from tests.bench.figures import median_ms, percentile_ms


def test_percentiles_of_an_even_spread() -> None:
    """0 to 100 ms in steps of 1 ms: each percentile is its own number."""
    seconds = [n / 1000 for n in range(101)]
    for percent in (1, 50, 95, 99):
        assert percentile_ms(seconds, percent) == pytest.approx(percent)


def test_a_slow_answer_in_a_hundred_is_in_p99_and_not_in_p95() -> None:
    """One outlier among 100 samples moves p99, and leaves p95 and the median."""
    seconds = [0.01] * 98 + [1.0] * 2
    assert percentile_ms(seconds, 99) == pytest.approx(1000)
    assert percentile_ms(seconds, 95) == pytest.approx(10)
    assert median_ms(seconds) == pytest.approx(10)


def test_percentiles_do_not_depend_on_the_order() -> None:
    """Samples come in the order of clients and turns."""
    seconds = [n / 1000 for n in range(101)]
    assert percentile_ms(seconds[::-1], 95) == pytest.approx(percentile_ms(seconds, 95))


def test_one_sample_is_every_percentile() -> None:
    """A service that answered once still has a line."""
    assert percentile_ms([0.02], 99) == pytest.approx(20)
