"""The printed acceptance: everything of the page, in both languages, read by programs of others."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from pneumonia_api.acceptance import __main__
from pneumonia_api.acceptance.document import compose
from pneumonia_api.acceptance.german import GERMAN, REASONS
from pneumonia_api.acceptance.report import assess
from pneumonia_api.acceptance.rule import Bounds
from pneumonia_api.acceptance.speech import Speech
from pneumonia_api.acceptance.text import describe
from pneumonia_api.report.document import Document, Table, decode, encode
from pneumonia_api.report.document_pdf import draw_document
from pneumonia_web.language import read_catalogue
from tests.pneumonia_api.acceptance.films import Hospital
from tests.pneumonia_api.acceptance.hospital import announce, fill
from tests.pneumonia_api.acceptance.profile import PROFILE
from tests.pneumonia_api.acceptance.test_rule import CARD
from tests.pneumonia_api.report.poppler import list_fonts, list_tags, read_text, run

BOUNDS = {"sensitivity": Bounds(0.95, 0.9), "specificity": Bounds(0.9, 0.8)}
MADE = datetime(2026, 11, 28, 10, tzinfo=UTC)
HOSPITAL = Hospital(ill=0.4, shift=3.0)

needs_poppler = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="poppler-utils, which reads the PDF, is not installed"
)


def make(language: str = "en", films: int = 300) -> Document:
    """Of a hospital with a profile."""
    found = assess(
        list(HOSPITAL.take(films, seed=1)),
        judged=films + 20,
        model="m1",
        profile=PROFILE.id,
        promised=CARD,
        bounds=BOUNDS,
        in_time=True,
    )
    return compose(found, None, PROFILE, Speech(language), MADE)


@needs_poppler
def test_pdf_is_searchable_and_tagged(tmp_path: Path) -> None:
    """On every page, with its fonts; headings, paragraphs and cells are marked as such."""
    document, file = make(), tmp_path / "acceptance.pdf"
    file.write_bytes(draw_document(document))
    text = read_text(file)
    for told in (
        "Acceptance of the pneumonia model",
        f"With the site profile {PROFILE.id}, fitted to 400 films by lead",
        "Does not hold here",
        "320 X-rays were judged, and 300 have a label",
        "Stopping rule",
        "Machine: a person",
        "Not a medical device.",
    ):
        assert told in text, told
    tags = list_tags(file)
    assert {"H1", "H2", "P", "TH", "TD"} <= set(tags)
    assert all(each["emb"] == "yes" for each in list_fonts(file))
    assert "Title:           Acceptance of the pneumonia model" in run("pdfinfo", file)
    assert "Tagged:          yes" in run("pdfinfo", file)


@needs_poppler
def test_long_tables_go_on_on_the_next_page(tmp_path: Path) -> None:
    """With their heads again; nothing is cut off."""
    rows = tuple((f"Row {number}", *["0.900 (0.800 to 0.950)"] * 5) for number in range(90))
    table = Table(("Group", "Films, ill", "AUC", "A", "B", "C"), rows)
    file = tmp_path / "long.pdf"
    file.write_bytes(draw_document(Document("Long", "en", MADE.isoformat(), (table,))))
    text = read_text(file)
    assert all(f"Row {number}" in text for number in range(90))
    assert text.count("Films, ill") >= 2
    assert int(run("pdfinfo", file).partition("Pages:")[2].split()[0]) == text.count("Films, ill")


@needs_poppler
def test_german_is_whole(tmp_path: Path) -> None:
    """No English is left, and numbers have a comma."""
    file = tmp_path / "de.pdf"
    file.write_bytes(draw_document(make("de")))
    text = read_text(file)
    assert "Abnahme des Pneumoniemodells" in text and "Gilt hier nicht" in text
    assert "Spezifität unter 0,8: " in text
    assert not {" the ", " with ", "patients", "Uncertain"} & {w for w in GERMAN if w in text}


def test_words_are_those_of_the_page() -> None:
    """Where the page's catalogue has the same English, it has the same German."""
    catalogue = read_catalogue("de")
    for english, german in (*GERMAN.items(), *REASONS.items()):
        message = catalogue.get(english)
        if message and message.string:
            assert message.string == german, english
    assert sum(bool(catalogue.get(each)) for each in GERMAN) > 25


def test_document_travels_as_json() -> None:
    """From the API, which composes it, to a worker, which draws it."""
    document = make()
    assert decode(encode(document)) == document


def test_few_films_are_printed_too() -> None:
    """Without figures, calibration, profile or order in time."""
    found = assess([], judged=0, model="m1", promised=CARD, bounds=BOUNDS, in_time=False)
    for language in ("en", "de"):
        document = compose(found, None, None, Speech(language), MADE)
        assert draw_document(document).startswith(b"%PDF")
    assert any("too few to say" in line for line in describe(found))


@needs_poppler
def test_command_writes_it(
    client: redis.Redis, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside what it prints; a folder that is not there is one sentence."""
    announce(client)
    fill(client, 60, 60, 2)
    file = tmp_path / "acceptance.pdf"
    assert __main__.main(["--redis-url", redis_url, "--pdf", str(file)]) == 0
    assert "Holds here" in read_text(file)
    wrong = str(tmp_path / "none" / "acceptance.pdf")
    assert __main__.main(["--redis-url", redis_url, "--pdf", wrong]) == 1
    assert "acceptance.pdf cannot be written: No such file or directory." in capsys.readouterr().err
