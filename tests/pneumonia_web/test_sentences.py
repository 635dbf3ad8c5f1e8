"""Every sentence that the API can state is known to the pages, by its code or word for word."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumonia_api import errors
from pneumonia_api.audit.requests import WITHHELD
from pneumonia_api.request import FILE_TOO_LARGE
from pneumonia_web.api_client import ApiError
from pneumonia_web.app import create_app
from pneumonia_web.sentences import translate_record
from pneumonia_web.stated import ANSWERS, RECORDED
from pneumonia_web.stated_parts import PARTS
from tests.stack import ROOT

APP = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s"})
GERMAN = {"Accept-Language": "de"}

STATING = ("model/reading/**/*.py", "model/cage/*.py", "model/serving/predictor.py")
"""Modules whose sentences end in records."""


def read_sentences(file: Path) -> Iterator[str]:
    """Each string of a module that is a sentence for a person, with 7 for what is filled in."""
    tree = ast.parse(file.read_text())
    raised = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "UnreadableXray"
    ]
    named = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    ]
    collected = [
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.Tuple | ast.Dict)
        for part in (node.elts if isinstance(node, ast.Tuple) else node.values)
    ]
    appended = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "append"
    ]
    for part in (*(call.args[0] for call in raised), *named, *collected, *appended):
        text = fill(part)
        if re.fullmatch(r"(The|This|A|An) [^\n]{20,}\.", text):
            yield text


def fill(node: ast.expr | None) -> str:
    """The text of a string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(fill(each) or "7" for each in node.values)
    return ""


def test_reasons_and_warnings_of_records_are_german() -> None:
    """Those in the code that reads, refuses and judges images; nothing else is in the table."""
    found = {
        sentence
        for pattern in STATING
        for file in ROOT.glob(pattern)
        for sentence in read_sentences(file)
    }
    assert len(found) > 35
    with APP.test_request_context(headers=GERMAN):
        for sentence in found:
            german = translate_record(sentence)
            assert german != sentence, sentence
            assert german.count("7") == sentence.count("7")
    known = [re.compile(re.sub(r"%\\\(\w+\\\)s", ".+", re.escape(text))) for text in RECORDED]
    unused = [text for text in known if not any(text.fullmatch(each) for each in found)]
    assert [text.pattern.replace("\\", "")[:40] for text in unused] == [
        "The X-ray could not be judged because of",  # pneumonia_api.judging, with a remedy
        "The X-ray could not be judged because of",
        "The file is larger than .+ MB; export th",  # pneumonia_api.batch.intake
    ]


def test_sentences_of_the_judging_are_german() -> None:
    """Those whose parts stand in several places."""
    for remedy, file in (
        ("send it again", "pneumonia_api/worker/predict_xray.py"),
        ("export it again, or delete this record and score its folder again", "batch/scoring.py"),
    ):
        [source] = [each for each in ROOT.glob("pneumonia_api/**/*.py") if str(each).endswith(file)]
        assert f'"{remedy}"' in source.read_text()
        sentence = f"The X-ray could not be judged because of a fault on our side; {remedy}."
        with APP.test_request_context(headers=GERMAN):
            assert translate_record(sentence).startswith("Das Röntgenbild konnte wegen")


@pytest.mark.parametrize(
    ("sentence", "german"),
    [
        (
            "The DICOM shows the left-handed, not the chest; send a frontal chest X-ray.",
            "Laut DICOM-Datei zeigt das Bild the left-handed, nicht den Thorax; "
            "senden Sie eine frontale Thoraxaufnahme.",
        ),
        (
            "The DICOM is ultrasound, not a chest X-ray (CR, DX or secondary capture); send the "
            "X-ray.",
            "Laut DICOM-Datei ist das eine andere Untersuchung (Ultraschall), keine Thoraxaufnahme "
            "(CR, DX oder Secondary Capture); senden Sie das Röntgenbild.",
        ),
        (
            "The image is only 90 x 120 pixels; send one of at least 200 pixels on its shorter "
            "side.",
            "Das Bild hat nur 90 \N{MULTIPLICATION SIGN} 120 Pixel; senden Sie eines mit "
            "mindestens 200 Pixeln auf der kürzeren Seite.",
        ),
        ("Nobody has ever stated this.", "Nobody has ever stated this."),
        ("100 % of %(this)s", "100 % of %(this)s"),
        (None, ""),
    ],
)
def test_record_says_it_in_german(sentence: str | None, german: str) -> None:
    """With its values; what is not known stays as it came."""
    with APP.test_request_context(headers=GERMAN):
        assert translate_record(sentence) == german
    with APP.test_request_context():
        assert translate_record(sentence) == (sentence or "")


def test_words_inside_sentences_are_those_of_the_readers() -> None:
    """Parts of the body, kinds of examination, and what a file has too much of."""
    sources = "".join(file.read_text() for file in (ROOT / "model/reading").rglob("*.py"))
    for word in re.findall(r'too_complex\("([^"]+)"\)', sources):
        assert word in PARTS
    modalities = re.search(r"_OTHER_MODALITIES = \{(.*?)\}", sources, re.DOTALL)
    assert modalities
    for word in re.findall(r': "([^"]+)"', modalities[1]):
        assert word in PARTS or word in ("CT", "MR", "PET")
    body = re.search(r"_OTHER_PARTS = re.compile\((.*?)\n\)", sources, re.DOTALL)
    assert body
    pattern = re.compile("".join(re.findall(r'"([^"]+)"', body[1])))
    plain = [each for each in pattern.pattern.split("|") if each.isalpha()]
    assert {f"the {each.lower()}" for each in plain} <= {*PARTS}
    for word in PARTS:
        if word.startswith("the "):
            assert pattern.fullmatch(word[4:].upper()), word


def test_every_code_of_the_api_is_known() -> None:
    """With the API's own sentence, so that both are changed together."""
    answered = [WITHHELD, *((code, text) for _, code, text in errors.ERRORS.values())]
    answered += [*errors.CODES.values(), FILE_TOO_LARGE]
    for code, sentence in answered:
        assert sentence in ANSWERS[code], code
        with APP.test_request_context(headers=GERMAN):
            german = str(ApiError(400, code, sentence))
            assert german != sentence
            # A person is told what happened and what to do, in the same two halves.
            assert german.count(";") == sentence.count(";"), code
            assert str(ApiError(400, code, "Worded anew.")) != "Worded anew."
        assert str(ApiError(400, code, sentence)) == sentence


def test_waiting_time_replaces_what_to_do() -> None:
    """In both languages."""
    sentence = "No model is running yet; try again in half a minute."
    for headers, expected in (
        ({}, "No model is running yet; try again in 2 minutes."),
        (GERMAN, "Es läuft noch kein Modell; versuchen Sie es in 2 Minuten erneut."),
    ):
        with APP.test_request_context(headers=headers):
            assert str(ApiError(503, "no_model", sentence, 120)) == expected


def test_field_of_a_form_is_not_named_in_german() -> None:
    """What is wrong with it is said; the API's name of the field means nothing to a person."""
    with APP.test_request_context(headers=GERMAN):
        said = str(ApiError(422, "invalid_request", "label: Choose pneumonia, normal or unsure."))
        assert said == "Wählen Sie „Pneumonie“, „Keine Pneumonie“ oder „Unsicher“."
        longer = ApiError(422, "invalid_request", "note: Longer than maximum length 200.")
        assert str(longer) == "Länger als die erlaubten 200 Zeichen."
        other = ApiError(422, "invalid_request", "cursor: Not a valid string.")
        assert str(other) == "Die Anfrage enthält einen ungültigen Wert."
