"""The worklist's tabs, filters, orders, *Next* and export, without scripts."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.reviews import Reviews
from tests.pneumonia_web.listed import KINDS, find_own, find_own_on_all_pages, find_rows, listed
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

NEWEST = ["withheld", "detected", "uncertain", "likely"]
"""The last word of each reference that is to review."""


@pytest.fixture
def records(stack: Stack) -> Iterator[list[XrayRecord]]:
    """An X-ray of each kind."""
    with listed(stack, "Tabbed", *KINDS) as added:
        yield added


def read_counts(doctor: Visitor) -> dict[str, int]:
    """What the tabs say."""
    found = re.findall(
        r'id="tab-(\w+)".*?class="count">(\d+)<', doctor.get("/xrays").text, re.DOTALL
    )
    return {tab: int(count) for tab, count in found}


def test_tabs_select_and_count(doctor: Visitor, stack: Stack) -> None:
    """The page opens with what is to review; each tab says how many it has."""
    before = read_counts(doctor)
    with listed(stack, "Counted", *KINDS) as records:
        added = {tab: count - before[tab] for tab, count in read_counts(doctor).items()}
        assert added == {"to_review": 4, "uncertain": 1, "needs_person": 2, "all": 6}
        for path, expected in (
            ("/xrays", NEWEST),
            ("/xrays?tab=to_review", NEWEST),
            ("/xrays?tab=uncertain", ["uncertain"]),
            ("/xrays?tab=needs_person", ["failed", "rejected"]),
            ("/xrays?tab=needs_person&status=failed", ["failed"]),
            ("/xrays?tab=all", ["failed", "rejected", *NEWEST]),
            ("/xrays?tab=all&shown=no_pneumonia_detected", ["detected"]),
            ("/xrays?shown=withheld", ["withheld"]),
        ):
            page = doctor.get(path)
            assert find_own(page, records) == expected, path
            assert len(re.findall('aria-current="page"', page.text)) == 1


def test_search_goes_over_everything(doctor: Visitor, records: list[XrayRecord]) -> None:
    """Whatever the tab in which it was typed; by reference, note and id."""
    expected = ["failed", "rejected", *NEWEST]
    for tab in ("", "&tab=uncertain", "&tab=needs_person"):
        assert find_own(doctor.get(f"/xrays?q=tabbed{tab}"), records) == expected, tab
    assert find_rows(doctor.get(f"/xrays?q={records[4].id}")) == [records[4].id]


def test_orders_are_a_persons_choice(doctor: Visitor, records: list[XrayRecord]) -> None:
    """By time, by waiting, and by suspicion, which says what the model card says of it."""
    said = "The model card bars sorting without supervision"
    assert said not in doctor.get("/xrays").text
    assert find_own(doctor.get("/xrays?sort=oldest&q=tabbed"), records)[:2] == [
        "likely",
        "uncertain",
    ]
    ordered = ["withheld", "likely", "uncertain", "detected"]
    assert find_own_on_all_pages(doctor, "/xrays?sort=suspicion", records) == ordered
    assert said in doctor.get("/xrays?sort=suspicion").text
    for path in ("/xrays?tab=all&sort=suspicion", "/xrays?q=tabbed&sort=suspicion"):
        page = doctor.get(path)
        assert find_own(page, records) == ["failed", "rejected", *NEWEST], path
        assert said not in page.text


def test_list_survives_a_result_and_its_reading(
    doctor: Visitor, stack: Stack, records: list[XrayRecord]
) -> None:
    """The way back and *Next* lead to the same tab, order and page, without scripts, too."""
    before = f"{int(records[0].id, 16) - 1:032x}"
    query = f"tab=to_review&sort=oldest&cursor={before}"
    address = f"/xrays/{records[0].id}?cursor={before}&amp;tab=to_review&amp;sort=oldest"
    page = doctor.get(f"/xrays?{query}")
    assert f'href="{address}"' in page.text
    opened = doctor.get(address.replace("&amp;", "&")).text
    links = re.findall(r'(?:href|action|hx-post)="([^"]*)"', opened)
    kept = [link for link in links if all(f"{part}" in link for part in query.split("&"))]
    assert {link.partition("?")[0].rpartition("/")[2] for link in kept} == {
        "xrays",
        "next",
        "review",
        "",
    }


def test_next_is_the_next_unread_of_the_same_list(
    doctor: Visitor, stack: Stack, records: list[XrayRecord]
) -> None:
    """In the list's order, past what was read; after the last comes the first again."""
    likely, uncertain, clear, withheld, rejected, failed = (xray.id for xray in records)

    def follow(after: str, query: str = "q=tabbed") -> str:
        page = doctor.get(f"/xrays/next?after={after}&{query}", allow_redirects=False)
        return page.headers["Location"].partition("?")[0].rpartition("/")[2]

    assert follow(withheld) == clear
    assert follow(likely) == withheld
    assert follow(likely, "q=tabbed&sort=oldest") == uncertain
    assert follow(failed, "tab=needs_person") == rejected
    assert follow(rejected, "q=tabbed&status=rejected") == "xrays"
    client = connect(stack)
    for each in (clear, likely):
        Reviews(client).put(each, label="unsure", note="", reader="ann", at=datetime.now(UTC))
    assert follow(withheld) == uncertain
    assert follow(clear) == uncertain
    assert follow(uncertain, "q=tabbed&reviewed=true") == withheld
    assert follow(uncertain, "q=tabbed&shown=uncertain") == "xrays"
    page = doctor.get(f"/xrays/next?after={uncertain}&q=tabbed&shown=uncertain")
    assert "Nothing else in this list is left to read." in page.text
    assert "q=tabbed" in page.url
    client.close()


def test_next_by_suspicion_goes_on_after_a_reading(
    doctor: Visitor, stack: Stack, records: list[XrayRecord]
) -> None:
    """What was just read has left the list; its place has not."""
    client = connect(stack)
    Reviews(client).put(records[0].id, label="unsure", note="", reader="ann", at=datetime.now(UTC))
    page = doctor.get(f"/xrays/next?after={records[0].id}&sort=suspicion", allow_redirects=False)
    opened = client.hget(f"xray:{page.headers['Location'].partition('?')[0][-32:]}", "prediction")
    assert opened
    assert '"probability":0.93' not in opened
    assert "sort=suspicion" in page.headers["Location"]
    client.close()


def test_export_is_the_filtered_list(
    doctor: Visitor, stack: Stack, records: list[XrayRecord]
) -> None:
    """In its order, with what the page shows; a withheld score stays withheld."""
    answer = doctor.get("/xrays.csv?q=tabbed&sort=oldest")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="worklist.csv"' in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == [xray.id for xray in records]
    shown = [(row["AI result"], row["withheld"], row["probability"]) for row in rows]
    assert shown == [
        ("Pneumonia likely", "", "0.93"),
        ("Uncertain", "", "0.57"),
        ("No pneumonia detected", "", "0.13"),
        ("", "Check image", ""),
        ("", "", ""),
        ("", "", ""),
    ]
    assert [row["reason"] for row in rows][-2:] == ["It was rejected.", "It was failed."]


def test_export_holds_no_formula(doctor: Visitor, stack: Stack) -> None:
    """A reference may begin like one; a spreadsheet must take it for text."""
    with listed(stack, '=HYPERLINK("http://x") exported', "uncertain") as (xray,):
        rows = list(csv.DictReader(io.StringIO(doctor.get("/xrays.csv?q=exported").text)))
        assert rows[0]["reference"] == f"'{xray.reference}"


def test_refresh_has_the_counts(doctor: Visitor) -> None:
    """They change with the rows; a tab that a person chooses brings its own filters."""
    part = {"HX-Request": "true"}
    rows = doctor.get("/xrays", headers=part).text
    assert 'hx-swap-oob="true"' in rows
    assert 'id="filters"' not in rows
    chosen = doctor.get("/xrays?tab=needs_person", headers={**part, "HX-Target": "worklist"})
    assert 'id="filters"' in chosen.text
    assert "hx-swap-oob" not in chosen.text
    assert chosen.headers["HX-Push-Url"] == "/xrays?tab=needs_person"
