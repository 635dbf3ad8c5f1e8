"""In silent weeks no page, part, row or table says what the model said, to anybody, at any time."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.site import Site
from tests.pneumonia_web.listed import KINDS, find_own, find_rows, listed
from tests.pneumonia_web.test_blinding import REVEALING, WORDS
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

TELLING = (
    "likely",
    "detected",
    "data-heatmap",
    "probability",
    "agrees",
    "Agree",
    "figcaption",
    "<rect",
)


@pytest.fixture
def records(stack: Stack) -> Iterator[list[XrayRecord]]:
    """An X-ray of each kind."""
    with listed(stack, "Silenced", *KINDS) as added:
        yield added


@pytest.fixture
def silent(stack: Stack) -> Iterator[None]:
    """The site is in silent weeks; afterwards it never was."""
    client = connect(stack)
    Site(client).set_silent(True, by="lead", at=datetime.now(UTC))
    yield
    client.delete(keys.SILENCE)
    client.close()


def read_body(page: str) -> str:
    """The page without its references, which name the kind here."""
    return re.sub(r"Silenced [a-z ]+", "", page)


@pytest.mark.usefixtures("silent")
def test_page_shows_nothing_before_and_after_the_reading(
    doctor: Visitor, records: list[XrayRecord]
) -> None:
    """Stronger than *AI after me*: an answer reveals nothing, and is kept as made in silence."""
    for xray in records[:4]:
        path = f"/xrays/{xray.id}"
        hidden = doctor.read_hidden(path)
        assert hidden["ai"] == "silent"
        answered = doctor.send_answer(path, hidden, {"HX-Request": "true"}, label="normal")
        for page in (answered.text, doctor.get(path).text):
            assert "Silent weeks" in page and "No pneumonia" in page
            assert "Confirmed outcome" in page  # it can be entered once one has answered
            for telling in TELLING:
                assert telling not in read_body(page), telling


@pytest.mark.usefixtures("silent")
def test_nothing_of_others_before_the_own_reading(
    doctor: Visitor, records: list[XrayRecord], stack: Stack
) -> None:
    """Neither their answers nor an outcome: readings are to be independent."""
    path = f"/xrays/{records[0].id}"
    page = doctor.get(path).text
    assert "Silent weeks" in page and "Confirmed outcome" not in page
    for telling in TELLING:
        assert telling not in read_body(page), telling


@pytest.mark.usefixtures("silent")
def test_worklist_and_table_show_nothing(doctor: Visitor, records: list[XrayRecord]) -> None:
    """No score, tab, order, filter or column; the list says why."""
    for path in ("/xrays?tab=to_review", "/xrays?tab=all&q=silenced"):
        page = doctor.get(path)
        assert find_own(page, records), path
        assert "Silent weeks: this site tests the model" in page.text
        for word in WORDS:
            assert word not in read_body(page.text), (path, word)
    assert set(re.findall(r'id="tab-(\w+)"', page.text)) == {"to_review", "needs_person", "all"}
    table = doctor.get("/xrays.csv?q=silenced").text
    assert table.splitlines()[0] == (
        "id,reference,sent,sent by,status,reason,age,view,reading,reader,read,note"
    )


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("query", REVEALING)
def test_typed_query_neither_selects_nor_sorts(
    doctor: Visitor, records: list[XrayRecord], query: str
) -> None:
    """The page is that without it; none of its links carries it on."""
    for headers in ({}, {"HX-Request": "true", "HX-Target": "list"}):
        page = doctor.get(f"/xrays?{query}&q=silenced", headers=headers)
        assert sorted(find_rows(page)) == sorted(xray.id for xray in records)
        links = re.findall(r'(?:href|hx-get)="/xrays([^"]*)"', page.text)
        for name in ("decision=", "shown=", "suspicion", "uncertain"):
            assert not [link for link in links if name in link]


@pytest.mark.usefixtures("silent")
def test_study_is_not_shown(doctor: Visitor) -> None:
    """The figures of one X-ray would say what its result was."""
    page = doctor.get("/reader-study").text
    assert "so the study is not shown either" in page
    assert "Misled" not in page


def test_admin_begins_and_ends_them_on_the_page_of_the_site(
    doctor: Visitor, records: list[XrayRecord], stack: Stack
) -> None:
    """From the next page on; the page says who did."""
    try:
        begun = doctor.post("/site/silent", "/site", data={"silent": "on"})
        assert "Silent weeks have begun." in begun.text and "End silent weeks" in begun.text
        assert "Silent weeks" in doctor.get(f"/xrays/{records[0].id}").text
        ended = doctor.post("/site/silent", "/site")
        assert "Silent weeks have ended." in ended.text and "Begin silent weeks" in ended.text
        assert "likely" in read_body(doctor.get(f"/xrays/{records[0].id}").text)
        assert f'Begun</strong> <span class="hint">{stack.user}' in ended.text
    finally:
        client = connect(stack)
        client.delete(keys.SILENCE)
        client.close()
