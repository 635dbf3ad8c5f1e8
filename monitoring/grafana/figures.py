"""Numbers in Grafana's units, as its panels write them: 0.993 percentunit is 99.3%."""

import math
import time
from collections.abc import Callable
from typing import Final

BINARY: Final = ("B", "KiB", "MiB", "GiB", "TiB")
DECIMAL: Final = ("", " K", " Mil", " Bil")
SPANS: Final = ((86400 * 365, "years"), (86400 * 7, "weeks"), (86400, "days"), (3600, "hours"))


def write_figure(value: float, unit: str, decimals: int | None = None) -> str:
    """A value with its unit; raises KeyError for a unit that no dashboard used yet."""
    return "NaN" if math.isnan(value) else WRITERS[unit](value, decimals)


def _write_binary(value: float, decimals: int | None) -> str:
    place = min(int(math.log(max(abs(value), 1), 1024)), len(BINARY) - 1)
    return f"{_rounded(value / 1024**place, decimals)} {BINARY[place]}"


def _write_rate(value: float, decimals: int | None) -> str:
    place = min(int(math.log(max(abs(value), 1), 1000)), 3)
    return f"{_rounded(value / 1000**place, decimals)} {('', 'k', 'M', 'G')[place]}B/s"


def _write_short(value: float, decimals: int | None) -> str:
    place = min(int(math.log(max(abs(value), 1), 1000)), len(DECIMAL) - 1)
    return f"{_rounded(value / 1000**place, decimals)}{DECIMAL[place]}"


def _rounded(value: float, decimals: int | None) -> str:
    """Without a number of decimals as Grafana chooses: about three digits that count."""
    if decimals is not None:
        return f"{value:.{decimals}f}"
    if value == 0 or abs(value) >= 1e6:
        return f"{value:.0f}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(places, 4)}f}".rstrip("0").rstrip(".") if places else f"{value:.0f}"


def _write_seconds(value: float, decimals: int | None) -> str:
    if 0 < abs(value) < 1:
        return f"{_rounded(value * 1000, None if not decimals else 0)} ms"
    for span, name in SPANS:
        if abs(value) >= span:
            return f"{_rounded(value / span, decimals if decimals is not None else 1)} {name}"
    if abs(value) >= 60:
        return f"{_rounded(value / 60, decimals if decimals is not None else 1)} mins"
    return f"{_rounded(value, decimals)} s"


def _write_age(value: float, decimals: int | None) -> str:
    """How long ago a time is, in Unix milliseconds."""
    del decimals
    age = time.time() - value / 1000
    if age < 45:
        return "a few seconds ago"
    for span, name in (*SPANS, (60, "minutes")):
        if age >= span:
            return f"{age / span:.0f} {name} ago"
    return "a minute ago"


WRITERS: Final[dict[str, Callable[[float, int | None], str]]] = {
    "none": _rounded,
    "short": _write_short,
    "locale": lambda value, _: f"{value:,.0f}",
    "percentunit": lambda value, decimals: f"{_rounded(value * 100, decimals)}%",
    "s": _write_seconds,
    "h": lambda value, decimals: f"{_rounded(value, decimals)} hours",
    "dateTimeFromNow": _write_age,
    "bytes": _write_binary,
    "Bps": _write_rate,
    "reqps": lambda value, decimals: f"{_rounded(value, decimals)} req/s",
    "currencyUSD": lambda value, decimals: f"${_rounded(value, decimals)}",
}
