"""Values in the pictures of the dashboards, and variables in their expressions."""

import io
import math
import time

import numpy as np
import pytest
from matplotlib.figure import Figure

from monitoring.grafana.prometheus import Series
from monitoring.grafana.reading import fill_in, read_dashboards, seconds
from monitoring.grafana.render import UNITS, align, draw_curves, in_unit


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


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_no_unit(unit: str, value: float) -> None:
    """A quantile without events is NaN, and is drawn as such."""
    assert in_unit(UNITS[unit], value) == str(value)


@pytest.mark.parametrize("stacked", [True, False])
def test_curves_have_gaps_where_there_is_no_number(stacked: bool) -> None:
    """NaN and infinity are not drawn; series that begin later keep their times."""
    first = Series({}, [1000.123, 1015.123], [math.inf, 1.0])
    second = Series({}, [1015.1234, 1030.1229], [math.nan, 2.0])
    axes = Figure().add_axes((0, 0, 1, 1))
    draw_curves(axes, [("one", first), ("two", second)], 15, stacked=stacked)
    axes.figure.savefig(io.BytesIO())
    times, values = align([first, second], 15)
    assert list(times.astype(int)) == [1000, 1015, 1030]
    np.testing.assert_equal(values, [[math.inf, 1, math.nan], [math.nan, math.nan, 2]])


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
