"""Numbers and times for a person, as their language writes them."""

from datetime import date, datetime

from babel.numbers import get_decimal_symbol
from flask_babel import format_date, format_datetime, format_decimal
from markupsafe import Markup, escape

from pneumonia_web.language import find_language, gettext


def percent(probability: float) -> str:
    """A probability for a person: in whole per cent, and never exactly 0 or 100."""
    if probability < 0.01:
        return gettext("< 1 %")
    if probability > 0.99:
        return gettext("> 99 %")
    number = f"{probability * 100:.0f}"
    return gettext("%(number)s %%", number=number)


def decimal(number: str) -> str:
    """A number that is rounded and in English, such as 0.57, with the decimal sign."""
    return number.replace(".", get_decimal_symbol(find_language()))


def grouped(number: int) -> str:
    """A whole number with its thousands apart."""
    return str(format_decimal(number))


def say_moment(moment: str) -> str:
    """A moment (ISO 8601) in UTC."""
    # The pattern of Unicode's locale data: a translator may reorder it.
    pattern = gettext("dd MMM yyyy, HH:mm 'UTC'")
    return str(format_datetime(datetime.fromisoformat(moment), pattern))


def say_time(moment: str) -> Markup:
    """The same as an element, which `page.js` shows in the reader's own time zone."""
    return Markup('<time datetime="{}">{}</time>').format(moment, escape(say_moment(moment)))


def say_day(day: date) -> str:
    """A day."""
    return str(format_date(day, gettext("dd MMM yyyy")))
