"""Values in the pictures of the dashboards, and variables in their expressions."""

import time

import pytest

from monitoring.grafana.reading import fill_in, read_dashboards, seconds
from monitoring.grafana.render import UNITS


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9931, "percentunit", "99.3%"),
        (0.0049, "s", "4.9 ms"),
        (3_000_000, "bytes", "3.0 MB"),
        (1_500_000, "Bps", "1.5 MB/s"),
        (12.5, "currencyUSD", "$12.50"),
        (1234.4, "short", "1234"),
        (0, "none", "0"),
    ],
)
def test_figure_has_its_unit(value: float, unit: str, text: str) -> None:
    """A value is formatted in its unit."""
    assert UNITS[unit](value) == text


def test_time_is_written_as_its_age() -> None:
    """A time in Unix milliseconds is shown as its age."""
    assert UNITS["dateTimeFromNow"](time.time() * 1000 - 7_200_000) == "2.0 h ago"


def test_variables_are_filled_in_as_grafana_does() -> None:
    """A rate spans at least four scrapes; a variable has its initial value."""
    boards = read_dashboards()
    assert fill_in("rate(x[$__rate_interval])", boards["overview"], 3600, 15) == "rate(x[60s])"
    assert fill_in("rate(x[$__rate_interval])", boards["overview"], 86400, 360) == "rate(x[375s])"
    assert fill_in("$price", boards["training"], 3600, 15) == "3.82"
    assert fill_in('{instance=~"$instance"}', boards["hosts"], 3600, 15) == '{instance=~".*"}'


def test_span_of_a_dashboard_is_read() -> None:
    """Relative times in Grafana's notation become seconds."""
    assert [seconds("now-3h"), seconds("now-30m"), seconds("90s")] == [10800, 1800, 90]
