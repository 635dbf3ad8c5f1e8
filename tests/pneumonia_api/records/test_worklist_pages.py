"""`pneumonia_api.records.worklist`: whatever the records and filters, the pages miss nothing."""

from dataclasses import replace
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pneumonia_api.records import worklist
from pneumonia_api.records.record import (
    DECISIONS,
    STATUSES,
    ReviewRecord,
    XrayRecord,
    new_xray,
)
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.judged import done

TEXTS = ("", "Study 7", "study 70", "Anna")


@st.composite
def made_records(draw: st.DrawFn) -> list[XrayRecord]:
    """Up to 30 records of every kind, newest first."""
    records = []
    for number in range(draw(st.integers(0, 30))):
        status = draw(st.sampled_from(STATUSES))
        xray = new_xray("doctor", "digest", draw(st.sampled_from(TEXTS)))
        xray = replace(xray, id=f"{number:012x}{xray.id[12:]}", status=status)
        if status == "done":
            xray = done(xray, draw(st.sampled_from(DECISIONS)))
            if draw(st.booleans()):
                note = draw(st.sampled_from(TEXTS))
                xray = replace(xray, review=ReviewRecord("unsure", note, "ann", xray.created_at))
        records.append(xray)
    return records[::-1]


def matches(
    xray: XrayRecord, *, status: str | None, decision: str | None, reviewed: bool | None, q: str
) -> bool:
    """Whether the worklist must show the record."""
    note = xray.review.note if xray.review else ""
    found = xray.prediction.decision if xray.prediction else None
    return (
        status in (None, xray.status)
        and decision in (None, found)
        and reviewed in (None, xray.review is not None)
        and any(q.lower() in text.lower() for text in (xray.id, xray.reference, note))
    )


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    records=made_records(),
    filters=st.fixed_dictionaries(
        {
            "status": st.sampled_from((None, *STATUSES)),
            "decision": st.sampled_from((None, *DECISIONS)),
            "reviewed": st.sampled_from((None, True, False)),
            "q": st.sampled_from((*TEXTS, "0000001", "nothing")),
        }
    ),
    limit=st.integers(1, 12),
    most=st.integers(1, 12),
    chunk=st.integers(1, 12),
)
def test_pages_show_every_match_once_newest_first(
    client: redis.Redis,
    records: list[XrayRecord],
    filters: dict[str, Any],
    limit: int,
    most: int,
    chunk: int,
) -> None:
    """Cursors lead through any set of records, with any filters and limits, to the last match."""
    client.flushall()
    xrays = XrayStore(client)
    for xray in records:
        xrays.add(xray)
    seen: list[XrayRecord] = []
    cursor, pages = None, 0
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("MAX_SCANNED", most), ("MAX_LISTED", 2 * most), ("_CHUNK", chunk)):
            patch.setattr(worklist, name, value)
        while pages == 0 or cursor:
            page, cursor = Worklist(client).page(**filters, cursor=cursor, limit=limit)
            assert len(page) <= limit
            seen += page
            pages += 1
            assert pages <= len(records) + 1, "the cursor does not move"
    assert seen == [xray for xray in records if matches(xray, **filters)]
