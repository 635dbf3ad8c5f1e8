"""A lead takes back another person's reading on the page, without scripts."""

import html
import re
from pathlib import Path

import pytest
import requests

from tests.pneumonia_web.visitor import HIDDEN, Visitor
from tests.stack import Stack

FORM = re.compile(r'<form action="([^"]+/reopen[^"]*)".*?</form>', re.DOTALL)


@pytest.fixture
def path(doctor: Visitor, samples: list[Path], stack: Stack) -> str:
    """The page of an X-ray that a program has read."""
    file = ("a.jpeg", samples[8].read_bytes() + b"reopen", "image/jpeg")
    page = doctor.post("/xrays", "/xrays", files={"xray": file}, data={"reference": "reopen"})
    found = page.url.removeprefix(doctor.url)
    review = {"label": "unsure", "note": ""}
    url = f"{stack.api_url}/v1{found}/review"
    requests.put(url, json=review, headers=stack.headers, timeout=5).raise_for_status()
    return found


def read_text(page: requests.Response) -> str:
    """The visible text of a page, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def test_lead_withdraws_the_reading_of_somebody_else(doctor: Visitor, path: str) -> None:
    """The page says what it means before, and who did it afterwards; twice is once."""
    page = doctor.get(f"{path}?film=seen")
    assert "Reopen … the reading of machine" in read_text(page)
    assert "The reading of machine no longer counts" in read_text(page)
    form = FORM.search(page.text)
    hidden = dict(HIDDEN.findall(form[0]))
    assert hidden["number"] == "1"
    for _ in range(2):
        answer = doctor.session.post(
            doctor.url + html.unescape(form[1]),
            data={**hidden, "note": "Wrong side"},
            headers={"Referer": doctor.url},
            timeout=20,
        )
        assert answer.status_code == 200
        assert answer.url == f"{doctor.url}{path}?film=seen#reading"
        text = read_text(answer)
        assert "All readings (2) Unsure machine, " in text
        assert "Withdrawn: 1, the reading of machine “Wrong side” you, " in text
        assert "Reopen …" not in text
    assert path in doctor.get("/xrays?reviewed=false").text
