"""Who reads first learns nothing of the AI results from the worklist, whatever they ask for."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.reviews import Reviews
from tests.pneumonia_web.listed import KINDS, find_own, find_rows, listed
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

REVEALING = (
    "tab=uncertain",
    "sort=suspicion",
    "tab=to_review&sort=suspicion",
    *(f"shown={kind}" for kind in KINDS[:4]),
    "decision=pneumonia",
    "decision=normal",
    "decision=normal&shown=uncertain&tab=uncertain&sort=suspicion",
)
WORDS = ("Uncertain", "likely", "detected", "uncertain", "suspici", "agrees", " %", "<rect")
"""What would tell a result, or lead to one."""


@pytest.fixture
def records(stack: Stack) -> Iterator[list[XrayRecord]]:
    """An X-ray of each kind."""
    with listed(stack, "Blinded", *KINDS) as added:
        yield added


@pytest.fixture
def reader(doctor: Visitor) -> Iterator[Visitor]:
    """A person who reads first; the preference is theirs, so it is taken back."""
    doctor.post("/preferences", "/preferences", data={"reads_first": "on"})
    yield doctor
    doctor.post("/preferences", "/preferences")


def read_body(page: str) -> str:
    """The page without its references, which name the kind here, and without its search field."""
    return re.sub(r"Blinded [a-z ]+", "", page)


def test_page_gives_nothing_away(reader: Visitor, records: list[XrayRecord]) -> None:
    """Neither tab, filter, order and score, nor the colour of a mark."""
    for path in ("/xrays?tab=to_review", "/xrays?tab=all&q=blinded", "/xrays?q=blinded"):
        page = reader.get(path)
        assert find_own(page, records), path
        for word in WORDS:
            assert word not in read_body(page.text), (path, word)
    assert "After your reading" in page.text
    assert set(re.findall(r'id="tab-(\w+)"', page.text)) == {"to_review", "needs_person", "all"}


@pytest.mark.parametrize("query", REVEALING)
def test_typed_query_neither_selects_nor_sorts(
    reader: Visitor, records: list[XrayRecord], query: str
) -> None:
    """Nothing of what would reveal is applied, in the page, its parts, the export and *Next*."""
    part = {"HX-Request": "true"}
    plain = "tab=to_review"
    expected = find_rows(reader.get(f"/xrays?{plain}"))
    assert set(expected) >= {xray.id for xray in records[:4]}
    for headers in ({}, part, {**part, "HX-Target": "list"}, {**part, "HX-Target": "worklist"}):
        page = reader.get(f"/xrays?{query}", headers=headers)
        assert find_rows(page) == expected, headers
        for word in WORDS:
            assert word not in read_body(page.text), (headers, word)
        links = re.findall(r'(?:href|hx-get)="/xrays([^"]*)"', page.text)
        for name in ("decision=", "shown=", "suspicion", "uncertain"):
            assert not [link for link in links if name in link]
        pushed = page.headers.get("HX-Push-Url", "")
        assert not [name for name in ("decision", "shown", "suspicion") if name in pushed]
    assert reader.get(f"/xrays.csv?{query}").text == reader.get(f"/xrays.csv?{plain}").text
    for start in expected[:2]:
        asked, plainly = (
            reader.get(f"/xrays/next?{each}after={start}").url.partition("?")[0]
            for each in (f"{query}&", "")
        )
        assert asked == plainly


def test_search_with_a_revealing_filter_finds_all(
    reader: Visitor, records: list[XrayRecord]
) -> None:
    """The count of its rows gives nothing away, either."""
    for query in REVEALING:
        page = reader.get(f"/xrays?q=blinded&{query}")
        assert sorted(find_rows(page)) == sorted(xray.id for xray in records), query


def test_export_has_no_column_of_the_ai(reader: Visitor, records: list[XrayRecord]) -> None:
    """Not an empty one, either: nothing that could be filled later."""
    table = reader.get("/xrays.csv?q=blinded").text
    assert table.splitlines()[0] == (
        "id,reference,sent,sent by,status,reason,age,view,reading,reader,read,note"
    )
    assert len(table.splitlines()) == 1 + len(records)
    table = re.sub("Blinded [a-z ]+", "", table)
    # A second such as 20.578 reads like a score.
    table, times = re.subn(r"\d{4}-\d\d-\d\dT[\d:.+]+", "", table)
    assert times == len(records)
    for word in ("likely", "Uncertain", "0.93", "0.57", "0.13", "Check image", "m1"):
        assert word not in table


def test_other_readers_answer_is_withheld_like_the_result(
    reader: Visitor, stack: Stack, records: list[XrayRecord]
) -> None:
    """It is as good a hint; that there is one is said, by whom and when."""
    client = connect(stack)
    read = {"note": "Right lower zone", "reader": "colleague", "at": datetime.now(UTC)}
    Reviews(client).put(records[0].id, label="pneumonia", **read)
    page, table = reader.get("/xrays?q=blinded").text, reader.get("/xrays.csv?q=blinded").text
    assert "Read by colleague" in page
    assert "</svg> Pneumonia" not in page
    assert "Right lower zone" not in page + table
    assert ",Pneumonia," not in table
    client.close()


def test_others_have_all_of_it(doctor: Visitor, records: list[XrayRecord]) -> None:
    """The same page of a reader who sees the AI result has what the tests above look for."""
    page = read_body(doctor.get("/xrays?q=blinded").text)
    assert not [word for word in ("Uncertain", "likely", "detected", " %") if word not in page]
    assert 'id="tab-uncertain"' in page
    assert find_own(doctor.get("/xrays?shown=uncertain"), records) == ["uncertain"]
    assert "AI result,withheld,probability" in doctor.get("/xrays.csv?q=blinded").text
