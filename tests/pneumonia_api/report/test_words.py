"""The words of a report: those of the page, in both languages, and nothing that it withholds."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from pneumonia_api.records.record import XrayRecord
from pneumonia_api.report.gathering import NotReported, gather
from pneumonia_api.report.german import GERMAN, WARNINGS
from pneumonia_api.report.words import Wording, put_into_words
from pneumonia_web.stated import RECORDED
from tests.pneumonia_api.report.read_xrays import MODEL, PREVALENCE, make_read, read_by
from tests.stack import ROOT

MADE = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)
CATALOGUE = Path(ROOT, "pneumonia_web/translations/de/LC_MESSAGES/messages.po")


def word(
    xray: XrayRecord, language: str = "en", *, silent: bool = False, known: bool = True
) -> Wording:
    """The words of its report, at a site that states a prevalence."""
    report = gather(
        xray,
        silent=silent,
        prevalence=PREVALENCE if known else None,
        model=MODEL if known else None,
    )
    return put_into_words(report, language, MADE)


def text_of(wording: Wording) -> str:
    """All of it."""
    parts = [wording.title, *wording.about, wording.alternative, wording.caption]
    for section in wording.sections:
        parts += [section.heading, section.lead, *section.paragraphs]
    return "\n".join(parts)


def every_kind() -> Iterator[tuple[XrayRecord, bool, bool]]:
    """X-rays that together are told with every text: the record, silent weeks, worth known."""
    labels = ("pneumonia", "normal", "unsure")
    chances = {"pneumonia_likely": 0.999, "uncertain": 0.5, "no_pneumonia_detected": 0.001}
    for (finding, chance), label in itertools.product(chances.items(), labels):
        reading = read_by("ann", label, note="Key finding", ai=None)
        for known in (True, False):
            yield make_read(reading, finding=finding, probability=chance), False, known
    for age in ("unknown", "implausible", "under", "above", "contradictory"):
        yield make_read(age=age), False, True
    for row, column in itertools.product((1, 8, 14), (2, 8, 13)):
        yield (
            make_read(
                heatmap=[[float((y, x) == (row, column)) for x in range(16)] for y in range(16)]
            ),
            False,
            True,
        )
    yield make_read(heatmap=[[0.0] * 16] * 16, reference=""), False, True
    yield (
        make_read(warnings=("The image is long and narrow, unlike a frontal chest X-ray.",)),
        False,
        True,
    )
    yield make_read(read_by("ann", "normal", ai="silent")), True, True
    many = [read_by(f"reader {number}", "unsure") for number in range(7)]
    yield make_read(*many), False, True


def test_every_text_has_german_and_no_value_is_left_open() -> None:
    """A text without German would be an error here; English stays nowhere but in values."""
    for xray, silent, known in every_kind():
        for language in ("en", "de"):
            text = text_of(word(xray, language, silent=silent, known=known))
            assert "%(" not in text
    german = text_of(word(make_read(), "de"))
    assert "Pneumonie wahrscheinlich" in german
    assert "ist weniger als 1 krank" not in german
    assert "7,5 %" in german


def test_report_says_what_the_page_says_in_german() -> None:
    """Texts that pages have, too, are the same there but for the kind of space."""
    with CATALOGUE.open("rb") as file:
        catalogue = {each.id: each.string for each in read_po(file) if isinstance(each.id, str)}

    def plain(text: str) -> str:
        return text.replace("\xa0", " ").replace("%%", "%").rstrip(".")

    pages = {plain(text): plain(str(german)) for text, german in catalogue.items()}
    common = [text for text in GERMAN if plain(text) in pages]
    assert len(common) > 40
    for text in common:
        assert plain(GERMAN[text]) == pages[plain(text)], text
    for text, german in WARNINGS.items():
        assert text in RECORDED
        assert german == catalogue[text]


def test_warnings_are_said_in_german_with_their_numbers() -> None:
    """And as they came if nobody has translated them."""
    small = "The image is small (180 x 240 pixels): it lacks fine detail that the network uses."
    text = text_of(word(make_read(warnings=(small, "Of a later release.")), "de"))
    assert "Das Bild ist klein (180 \N{MULTIPLICATION SIGN} 240 Pixel)" in text
    assert "Of a later release." in text


@pytest.mark.parametrize(
    ("finding", "probability", "label", "expected"),
    [
        ("pneumonia_likely", 0.9, "pneumonia", "Pneumonia, agrees with the AI result"),
        ("pneumonia_likely", 0.9, "normal", "No pneumonia, disagrees with the AI result"),
        ("no_pneumonia_detected", 0.1, "normal", "No pneumonia, agrees with the AI result"),
        ("uncertain", 0.55, "pneumonia", "Pneumonia"),
        ("pneumonia_likely", 0.9, "unsure", "Unsure: the image is inconclusive"),
    ],
)
def test_reading_is_compared_with_the_finding(
    finding: str, probability: float, label: str, expected: str
) -> None:
    """Unless there is nothing to agree with."""
    xray = make_read(read_by("ann", label), finding=finding, probability=probability)
    assert word(xray).sections[0].lead == expected


def test_result_has_band_threshold_and_worth() -> None:
    """Of 100 at 7.5 % with a ratio of 12: 0.075/0.925 x 12 = 0.973, so 49."""
    text = text_of(word(make_read()))
    assert "Probability of pneumonia 91 %, threshold 50 %, uncertain from 30 % to 70 %." in text
    assert "Of 100 patients here with this result about 49 are ill" in text
    assert "prevalence of 7.5 %" in text
    assert "strongest: right lower zone" in text


@pytest.mark.parametrize(
    ("silent", "values"),
    [
        (True, {}),
        (False, {"age": "above"}),
        (
            False,
            {"warnings": ("The image has very little contrast; the result may be unreliable.",)},
        ),
    ],
)
def test_withheld_result_is_not_in_the_report(silent: bool, values: dict[str, object]) -> None:
    """Neither the score nor the finding, the place, the worth or whether the reader agrees."""
    text = text_of(word(make_read(**values), silent=silent))
    for told in ("91 %", "likely", "agrees", "Contours", "zone", "Of 100 patients"):
        assert told not in text
    assert "Pneumonia" in text  # the reading


def test_withdrawn_reading_leaves_nothing_to_report() -> None:
    """As an X-ray that nobody has read."""
    xray = make_read(read_by("ann", "normal"), read_by("ann", "withdrawn"))
    with pytest.raises(NotReported):
        word(xray)


def test_note_cannot_ask_for_a_value() -> None:
    """What people type is put in as it is."""
    xray = make_read(read_by("ann", "normal", note="50 %(reader)s 100 %"))
    assert "Note: “50 %(reader)s 100 %”" in text_of(word(xray))
