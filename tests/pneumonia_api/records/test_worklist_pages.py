"""`pneumonia_api.records.worklist`: whatever the records and filters, the pages miss nothing."""

from dataclasses import replace
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pneumonia_api.records import search, worklist
from pneumonia_api.records.readings import ReadingRecord, ReviewRecord
from pneumonia_api.records.record import DECISIONS, STATUSES, XrayRecord, new_xray
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.indexed import list_entries
from tests.pneumonia_api.records.judged import done, listed

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
                review = ReviewRecord("unsure", note, "ann", xray.created_at)
                reading = ReadingRecord(**vars(review), number=1, model="m1", stands=True)
                xray = replace(xray, review=review, readings=(reading,))
        records.append(xray)
    return records[::-1]


def matches(
    xray: XrayRecord, *, status: str | None, decision: str | None, reviewed: bool | None, q: str
) -> bool:
    """Whether the worklist must show the record."""
    words = {entry.partition("\0")[0] for entry in list_entries(xray)} | {xray.id}
    found = xray.prediction.decision if xray.prediction else None
    return (
        status in (None, xray.status)
        and decision in (None, found)
        and reviewed in (None, xray.review is not None)
        and all(any(word.startswith(start) for word in words) for start in q.lower().split())
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
            "q": st.sampled_from((*TEXTS, "7", "st 70", "0000000000012", "nothing")),
        }
    ),
    limit=st.integers(1, 12),
    most=st.integers(1, 12),
    chunk=st.integers(1, 12),
    most_sorted=st.sampled_from((0, 2, 30)),
    most_words=st.sampled_from((0, 2, 30)),
)
def test_pages_show_every_match_once_newest_first(
    client: redis.Redis,
    records: list[XrayRecord],
    filters: dict[str, Any],
    limit: int,
    most: int,
    chunk: int,
    most_sorted: int,
    most_words: int,
) -> None:
    """Cursors lead through any set of records, with any filters and limits, to the last match."""
    client.flushall()
    xrays = XrayStore(client)
    for xray in records:
        xrays.add(xray)
    seen: list[XrayRecord] = []
    cursor, pages = None, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worklist, "MAX_SCANNED", most)
        patch.setattr(worklist, "CHECKED_AT_ONCE", chunk)
        patch.setattr(search, "MAX_SORTED", most_sorted)
        patch.setattr(search, "MAX_WORDS", most_words)
        while pages == 0 or cursor:
            page, cursor = Worklist(client).page(**filters, cursor=cursor, limit=limit)
            assert len(page) <= limit
            seen += page
            pages += 1
            assert pages <= len(records) + 1, "the cursor does not move"
    assert seen == [listed(xray) for xray in records if matches(xray, **filters)]
