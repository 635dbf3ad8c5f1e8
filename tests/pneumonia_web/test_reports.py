"""The report of a read X-ray by way of its page."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.record import XrayRecord
from pneumonia_web.reports import FOR_SYSTEMS
from tests.pneumonia_api.report.poppler import read_text
from tests.pneumonia_api.report.read_xrays import KEPT, film
from tests.pneumonia_web.listed import listed
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect

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


def test_page_offers_the_report_to_other_systems(
    doctor: Visitor, stack: Stack, xray: XrayRecord
) -> None:
    """Each form by its link; a presentation state only where the study of the film is known."""
    page = f"/xrays/{xray.id}"
    assert f"{page}/report.sr.dcm" not in doctor.get(f"{page}?film=seen").text
    assert doctor.answer(page, label="pneumonia").ok
    text = doctor.get(f"{page}?film=seen").text
    assert "there is no presentation state" in text and "report.gsps.dcm" not in text
    connect(stack).hset(f"xray:{xray.id}", "references", KEPT)
    text = doctor.get(f"{page}?film=seen").text
    assert "belong to the study of this film" in text
    for form, kind in FOR_SYSTEMS.items():
        assert f"{page}/report.{form}" in text
        answer = doctor.get(f"{page}/report.{form}")
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Content-Disposition"].startswith("attachment")
    assert doctor.get(f"{page}/report.exe").status_code == 404


def test_withheld_result_is_offered_to_no_archive(doctor: Visitor, stack: Stack) -> None:
    """There is a sentence in place of the links, and the reading alone is in the others."""
    with listed(stack, "Reported", "withheld") as [xray]:
        page = f"/xrays/{xray.id}"
        assert doctor.answer(page, label="pneumonia").ok
        text = doctor.get(f"{page}?film=seen").text
        assert "there are no DICOM objects of it" in text
        assert "report.sr.dcm" not in text and "report.fhir.json" in text


def test_page_warns_of_text_in_the_picture(doctor: Visitor, stack: Stack, xray: XrayRecord) -> None:
    """Where the file said so; it is no doubt about the result. In German, too."""
    page = f"/xrays/{xray.id}?film=seen"
    assert "identifies the patient" not in doctor.get(page).text
    connect(stack).hset(f"xray:{xray.id}", "b", "1")
    text = doctor.get(page).text
    assert "identifies the patient" in text and "Pneumonia likely" in text
    german = doctor.get(page, headers={"Accept-Language": "de"}).text
    assert "der den Patienten identifiziert" in german


def test_who_reads_first_finds_no_report_before(doctor: Visitor, xray: XrayRecord) -> None:
    """Neither a link nor, by its address, the file."""
    page = f"/xrays/{xray.id}"
    doctor.post("/preferences", "/preferences", data={"reads_first": "on"})
    try:
        assert "report.pdf" not in doctor.get(page).text
        for form in ("pdf", *FOR_SYSTEMS):
            assert doctor.get(f"{page}/report.{form}").status_code in (403, 409)
    finally:
        doctor.post("/preferences", "/preferences")


def test_report_needs_a_session(stack: Stack, xray: XrayRecord) -> None:
    """As every page does."""
    answer = Visitor(stack.url).get(f"/xrays/{xray.id}/report.pdf")
    assert answer.url.partition("?")[0].endswith("/login")
