"""The report of a read X-ray by way of its page."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.record import XrayRecord
from tests.pneumonia_api.report.poppler import read_text
from tests.pneumonia_api.report.read_xrays import film
from tests.pneumonia_web.listed import listed
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack

pytestmark = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="poppler-utils, which reads the PDF, is not installed"
)


@pytest.fixture
def xray(stack: Stack) -> Iterator[XrayRecord]:
    """One that the model called pneumonia, with its film."""
    with listed(stack, "Reported", "pneumonia_likely") as [added]:
        ImageStore(f"file://{stack.var}/images").write_preview(added.id, film())
        yield added


def test_page_of_a_read_xray_links_its_report(
    doctor: Visitor, xray: XrayRecord, tmp_path: Path
) -> None:
    """Not before it is read; it is in the language of the page, and drawn by a real worker."""
    page = f"/xrays/{xray.id}"
    link = f"{page}/report.pdf"
    assert link not in doctor.get(page).text
    refused = doctor.get(link)
    assert refused.status_code == 409
    assert "it has to be analysed and read first" in refused.text
    assert doctor.answer(page, label="pneumonia").ok
    assert link in doctor.get(f"{page}?film=seen").text
    for language, word in (("en", "Pneumonia likely"), ("de", "Pneumonie wahrscheinlich")):
        answer = doctor.get(link, headers={"Accept-Language": language})
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        file = tmp_path / "report.pdf"
        file.write_bytes(answer.content)
        assert word in read_text(file)


def test_who_reads_first_finds_no_report_before(doctor: Visitor, xray: XrayRecord) -> None:
    """Neither a link nor, by its address, the file."""
    page = f"/xrays/{xray.id}"
    doctor.post("/preferences", "/preferences", data={"reads_first": "on"})
    try:
        assert "report.pdf" not in doctor.get(page).text
        assert doctor.get(f"{page}/report.pdf").status_code in (403, 409)
    finally:
        doctor.post("/preferences", "/preferences")


def test_report_needs_a_session(stack: Stack, xray: XrayRecord) -> None:
    """As every page does."""
    answer = Visitor(stack.url).get(f"/xrays/{xray.id}/report.pdf")
    assert answer.url.partition("?")[0].endswith("/login")
