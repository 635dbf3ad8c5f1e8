"""Numbers in the pictures of the dashboards, and what is filled into their expressions."""

import time

import pytest

from monitoring.grafana.figures import write_figure
from monitoring.grafana.reading import fill_in, read_dashboards, seconds


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (0.9931, "percentunit", None, "99.3%"),
        (-0.25, "percentunit", 0, "-25%"),
        (0.0049, "s", None, "4.9 ms"),
        (1.5, "s", None, "1.5 s"),
        (90, "s", None, "1.5 mins"),
        (80 * 86400, "s", None, "11.4 weeks"),
        (3 * 1024**2, "bytes", None, "3 MiB"),
        (1_500_000, "Bps", None, "1.5 MB/s"),
        (12.5, "currencyUSD", 2, "$12.50"),
        (1234567, "locale", None, "1,234,567"),
        (1234567, "short", None, "1.23 Mil"),
        (0, "none", None, "0"),
        (float("nan"), "percentunit", None, "NaN"),
    ],
)
def test_figure_has_its_unit(value: float, unit: str, decimals: int | None, text: str) -> None:
    """As Grafana's panels write it."""
    assert write_figure(value, unit, decimals) == text


def test_time_is_told_by_its_age() -> None:
    """From Unix milliseconds, in the largest unit that fits."""
    now = time.time() * 1000
    assert write_figure(now - 7_300_000, "dateTimeFromNow") == "2 hours ago"
    assert write_figure(now, "dateTimeFromNow") == "a few seconds ago"


def test_variables_are_filled_in_as_grafana_does() -> None:
    """A rate spans four scrapes at least; a choice is the one that the dashboard opens with."""
    boards = read_dashboards()
    assert fill_in("rate(x[$__rate_interval])", boards["overview"], 3600, 15) == "rate(x[60s])"
    assert fill_in("rate(x[$__rate_interval])", boards["overview"], 86400, 360) == "rate(x[375s])"
    assert fill_in("$price", boards["training"], 3600, 15) == "3.82"
    assert fill_in('{instance=~"$instance"}', boards["hosts"], 3600, 15) == '{instance=~".*"}'


def test_span_of_a_dashboard_is_read() -> None:
    """As Grafana writes relative times."""
    assert [seconds("now-3h"), seconds("now-30m"), seconds("90s")] == [10800, 1800, 90]
