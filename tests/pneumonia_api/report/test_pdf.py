"""The PDF of a report, read by the programs of poppler."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pneumonia_api.records.record import XrayRecord
from pneumonia_api.report.gathering import gather
from pneumonia_api.report.german import WARNINGS
from pneumonia_api.report.pdf import draw_pdf
from pneumonia_api.report.words import put_into_words
from tests.pneumonia_api.report.poppler import list_fonts, list_tags, read_text, run
from tests.pneumonia_api.report.read_xrays import MODEL, PREVALENCE, film, make_read, read_by

pytestmark = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="poppler-utils, which reads the PDF, is not installed"
)
MADE = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)


def draw(folder: Path, xray: XrayRecord, language: str = "en", *, silent: bool = False) -> Path:
    """The file of its report."""
    report = gather(xray, silent=silent, prevalence=PREVALENCE, model=MODEL)
    rows = report.prediction.heatmap if report.prediction else None
    file = folder / "report.pdf"
    file.write_bytes(draw_pdf(put_into_words(report, language, MADE), film(), rows, MADE))
    return file


def test_report_is_one_searchable_page(tmp_path: Path) -> None:
    """With everything that somebody without the page needs."""
    file = draw(tmp_path, make_read(read_by("ann", "pneumonia", note="Consolidation")))
    text = read_text(file)
    for told in (
        "Pneumonia, agrees with the AI result",
        "“Consolidation”",
        "ann, 2026-11-28 09:30 UTC, AI result shown",
        "Pneumonia likely",
        "Probability of pneumonia 91 %, threshold 50 %, uncertain from 30 % to 70 %.",
        "about 49 are ill",
        "Not a medical device",
        "Model m1, arithmetic bfloat16",
        "RX 7",
    ):
        assert told in text
    info = run("pdfinfo", file)
    assert "Pages:           1" in info
    assert "Page size:       595.28 x 841.89 pts (A4)" in info


def test_fonts_are_embedded_subsets_that_can_be_searched(tmp_path: Path) -> None:
    """So that every machine shows the same, and umlauts are found."""
    file = draw(tmp_path, make_read(), "de")
    fonts = list_fonts(file)
    assert {each["name"].partition("+")[2] for each in fonts} == {"InterRegular", "InterSemiBold"}
    assert all((each["emb"], each["sub"], each["uni"]) == ("yes",) * 3 for each in fonts)
    assert "Maße" not in read_text(file)
    assert "Säuglingen" in read_text(file)


def test_report_is_tagged_for_screen_readers(tmp_path: Path) -> None:
    """Headings, paragraphs and a figure with its description, in reading order."""
    file = draw(tmp_path, make_read(), "de")
    assert "Tagged:          yes" in run("pdfinfo", file)
    tags = list_tags(file)
    assert tags[:4] == ["Document", "H1", "P", "Figure"]
    assert tags.count("H2") == 5
    raw = file.read_bytes()
    assert b"/Lang (de)" in raw
    assert b"/DisplayDocTitle true" in raw
    assert b"/Alt" in raw
    structure = run("pdfinfo", "-struct-text", file)
    assert structure.index("Befund") < structure.index("KI-Ergebnis") < structure.index("Grenzen")


@pytest.mark.parametrize("language", ["en", "de"])
def test_longest_report_is_still_one_page(tmp_path: Path, language: str) -> None:
    """Every warning at once, a full note of wide letters, and many readers with long names."""
    readings = [
        read_by(f"reader-with-a-very-long-name-{number}", "unsure", note="W" * 200)
        for number in range(9)
    ]
    filled = {"width": "100", "height": "200"}
    warnings = tuple(
        text.replace("%(width)s", filled["width"]).replace("%(height)s", filled["height"])
        for text in WARNINGS
    )
    xray = make_read(*readings, warnings=warnings, age="above", reference="W" * 64)
    file = draw(tmp_path, xray, language)
    assert "Pages:           1" in run("pdfinfo", file)
    text = read_text(file).replace(" ", "")
    assert "W" * 200 in text
    assert ("Software" if language == "de" else "software") in text


def test_letters_that_the_fonts_lack_do_not_break_it(tmp_path: Path) -> None:
    """They are shown as a question mark; Western Europe's are all there."""
    note = "Größe ñ å „x“ § 肺炎"
    file = draw(tmp_path, make_read(read_by("ann", "normal", note=note)))
    assert "Größe ñ å „x“ § ??" in read_text(file)


def test_contours_are_drawn_only_with_the_result(tmp_path: Path) -> None:
    """They would give away what is withheld: the page without them has far fewer lines."""
    shown = draw(tmp_path, make_read()).read_bytes()
    withheld = draw(tmp_path, make_read(), silent=True).read_bytes()
    assert len(shown) > len(withheld) + 1000


def test_film_is_the_stored_one(tmp_path: Path) -> None:
    """Embedded as it is, without being compressed again."""
    file = draw(tmp_path, make_read())
    assert film() in file.read_bytes()
    assert "jpeg" in run("pdfimages", "-list", file)
