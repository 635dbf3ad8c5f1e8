"""The parts of the worklist, their counts, and the order by suspicion, in a real Redis."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.reviews import Reviews
from pneumonia_api.records.worklist import NoOrder, Worklist
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.indexed import check_indexes
from tests.pneumonia_api.records.judged import judged_as, listed

SHOWN = ("pneumonia_likely", "uncertain", "no_pneumonia_detected", "withheld")
PROBABILITIES = (0.9, 0.6, 0.1, 0.2)


@pytest.fixture
def added(client: redis.Redis) -> dict[str, XrayRecord]:
    """One record of each kind by its name, oldest first."""
    records = {}
    for number, kind in enumerate((*SHOWN, "queued", "rejected", "failed")):
        xray = new_xray("doctor", f"d{number}", f"Study {number}")
        xray = replace(xray, id=f"{number:012x}{xray.id[12:]}")
        if kind in SHOWN:
            xray = judged_as(xray, kind, PROBABILITIES[number])
        else:
            xray = replace(xray, status=kind)
        XrayStore(client).add(xray)
        records[kind] = xray
    return records


def read(client: redis.Redis, **query: Any) -> list[str]:
    """The references on the only page."""
    page, cursor = Worklist(client).page(**query, limit=50)
    assert cursor is None
    return [xray.reference for xray in page]


def test_tabs_have_the_work_that_is_left(client: redis.Redis, added: dict[str, XrayRecord]) -> None:
    """Each is newest first, and has as many as its count says; a reading changes both."""
    expected = {
        "to_review": ["Study 3", "Study 2", "Study 1", "Study 0"],
        "uncertain": ["Study 1"],
        "needs_person": ["Study 6", "Study 5"],
        "all": [f"Study {number}" for number in range(6, -1, -1)],
    }
    for tab, references in expected.items():
        assert read(client, tab=tab) == references, tab
        assert read(client, tab=tab, sort="oldest") == references[::-1], tab
        assert Worklist(client).count()[tab] == len(references), tab
    assert Worklist(client).count()["queued"] == 1
    put_reading(client, added["uncertain"])
    assert read(client, tab="uncertain") == []
    counts = {"to_review": 3, "uncertain": 0, "needs_person": 2, "all": 7, "queued": 1}
    assert Worklist(client).count() == counts
    check_indexes(client)


def put_reading(client: redis.Redis, xray: XrayRecord) -> None:
    """Read an X-ray."""
    Reviews(client).put(xray.id, label="unsure", note="", reader="ann", at=datetime.now(UTC))


def test_what_is_shown_selects(client: redis.Redis, added: dict[str, XrayRecord]) -> None:
    """A withheld result is found by that alone, and a search looks at it, too."""
    for number, shown in enumerate(SHOWN):
        assert read(client, shown=shown) == [f"Study {number}"]
        assert read(client, shown=shown, q="study") == [f"Study {number}"]
        assert read(client, shown=shown, tab="to_review", sort="oldest") == [f"Study {number}"]
    assert read(client, shown="withheld", tab="uncertain") == []
    assert read(client, tab="needs_person", status="failed") == ["Study 6"]
    assert read(client, tab="needs_person", status="done") == []


def test_most_suspicious_come_first(client: redis.Redis, added: dict[str, XrayRecord]) -> None:
    """What has no result that could be shown is before all others: nobody may overlook it."""
    order = ["Study 3", "Study 0", "Study 1", "Study 2"]
    assert read(client, tab="to_review", sort="suspicion") == order
    assert read(client, status="done", reviewed=False, sort="suspicion") == order


def test_order_goes_on_after_an_xray_that_was_read(
    client: redis.Redis, added: dict[str, XrayRecord]
) -> None:
    """Also among equal probabilities; after an X-ray that is gone it begins anew."""
    equal = []
    for number in range(5):
        xray = judged_as(new_xray("doctor", f"e{number}", f"Equal {number}"), "uncertain", 0.6)
        equal.append(replace(xray, id=f"{number:012x}{'e' * 20}"))
        XrayStore(client).add(equal[-1])
    store, order = Worklist(client), read(client, tab="to_review", sort="suspicion")
    by_reference = {xray.reference: xray for xray in (*added.values(), *equal)}
    for place, reference in enumerate(order):
        put_reading(client, by_reference[reference])
        page, _ = store.page(
            tab="to_review", sort="suspicion", cursor=by_reference[reference].id, limit=50
        )
        assert [xray.reference for xray in page] == order[place + 1 :]
    XrayStore(client).delete(added["queued"])
    fresh = judged_as(new_xray("doctor", "f", "Fresh"), "uncertain", 0.6)
    XrayStore(client).add(fresh)
    page, _ = store.page(tab="to_review", sort="suspicion", cursor=added["queued"].id, limit=50)
    assert page == [listed(fresh)]


def test_pages_by_suspicion_follow_each_other(
    client: redis.Redis, added: dict[str, XrayRecord]
) -> None:
    """Page by page, none twice."""
    seen: list[str] = []
    cursor: str | None = None
    while not seen or cursor:
        page, cursor = Worklist(client).page(
            tab="to_review", sort="suspicion", cursor=cursor, limit=1
        )
        seen += [xray.reference for xray in page]
    assert seen == ["Study 3", "Study 0", "Study 1", "Study 2"]


@pytest.mark.parametrize(
    "query", [{}, {"tab": "all"}, {"tab": "uncertain"}, {"tab": "to_review", "q": "study"}]
)
def test_nothing_else_has_that_order(
    client: redis.Redis, added: dict[str, XrayRecord], query: dict[str, Any]
) -> None:
    """Its index has the X-rays that are to review alone."""
    with pytest.raises(NoOrder):
        Worklist(client).page(**query, sort="suspicion", limit=5)


def test_a_read_xray_costs_no_memory_in_the_order(
    client: redis.Redis, added: dict[str, XrayRecord]
) -> None:
    """It leaves with its reading, and returns when that is withdrawn or the record restored."""
    assert client.zcard("xrays:suspicion") == 4
    put_reading(client, added["withheld"])
    assert client.zscore("xrays:suspicion", added["withheld"].id) is None
