"""A number and its unit stand on one line, on every page."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from pneumonia_web.typography import keep_units
from tests.pneumonia_web.listed import KINDS, listed
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

PATHS = (
    *("/xrays?tab=all", "/xrays?tab=to_review", "/about", "/preferences", "/deletions"),
    *("/reader-study", "/site", "/unlock", "/nowhere"),
)

PARTED = re.compile(r"\d\s*[ \n]\s*(?:%|mm|px|MB)(?!\w)", re.ASCII)


class Text(HTMLParser):
    """What a page shows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        """Keep it."""
        self.parts.append(data)


@pytest.fixture
def addresses(doctor: Visitor, stack: Stack) -> Iterator[list[str]]:
    """All pages, and those of an X-ray of each kind, where results say what they are worth."""
    with listed(stack, "Typed 17 %", *KINDS) as records:
        doctor.post("/site", "/site", data={"percent": "20"})
        yield [*PATHS, *(f"/xrays/{xray.id}" for xray in records)]
        connect(stack).delete("site:prevalence")


def test_no_page_parts_a_number_from_its_unit(doctor: Visitor, addresses: list[str]) -> None:
    """Nor does a part that is swapped into it; what a person typed is left alone in its field."""
    for address in addresses:
        for headers in ({}, {"HX-Request": "true"}):
            text = "\n".join(Text(doctor.get(address, headers=headers).text).parts)
            assert PARTED.findall(text) == [], address
    site = doctor.get("/site").text
    assert "20\N{NO-BREAK SPACE}%" in site
    assert "95\N{NO-BREAK SPACE}% interval" in site
    searched = doctor.get("/xrays?q=17+%25").text
    assert 'value="17 %"' in searched


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p>17 % of 1", "<p>17~% of 1"),
        ("<p>about 3.5\n   mm<b>", "<p>about 3.5~mm<b>"),
        ("<p>&lt; 1 %</p>", "<p>&lt;~1~%</p>"),
        ("<p>up to 25 MB and</p>", "<p>up to 25~MB and</p>"),
        ("<p>in 5 minutes, 3 sides</p>", "<p>in 5 minutes, 3 sides</p>"),
        ('<input value="17 %"><p>', '<input value="17 %"><p>'),
    ],
)
def test_unit_stays_with_its_number(html: str, kept: str) -> None:
    """Short units in text; neither words nor attributes."""
    assert keep_units(html) == kept.replace("~", "\N{NO-BREAK SPACE}")
