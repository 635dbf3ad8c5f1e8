"""The page of an X-ray says where its result is on the way to the PACS."""

from dataclasses import asdict

import pytest

from pneumonia_api.records import keys
from pneumonia_api.records.record import write_part
from pneumonia_api.records.transmission import TransmissionRecord
from tests.pneumonia_web.listed import listed
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

AT = "2026-11-28T09:30:00.000+00:00"


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        ("pending", None, "Being sent"),
        ("pending", "away", "the PACS does not take connections"),
        ("pending", "0xA700", "the PACS did not take it"),
        ("pending", "not_drawn", "the report is not ready"),
        ("refused", "0xA900", "Refused by the PACS with status 0xA900"),
        ("withheld", "silent", "there is no result that may be shown"),
        ("sent", None, "Sent <time"),
    ],
)
def test_page_says_where_the_result_is(
    stack: Stack, doctor: Visitor, status: str, answer: str | None, said: str
) -> None:
    """In words that tell whom to ask; a page of an X-ray that sends nothing has no such line."""
    with listed(stack, "sent", "pneumonia_likely") as [xray], connect(stack) as client:
        before = doctor.get(f"/xrays/{xray.id}?film=seen").text
        assert "Result for the PACS" not in before
        state = TransmissionRecord(status, 1, AT, answer)
        client.hset(keys.xray(xray.id), "transmission", write_part(asdict(state)))
        assert said in doctor.get(f"/xrays/{xray.id}?film=seen").text
