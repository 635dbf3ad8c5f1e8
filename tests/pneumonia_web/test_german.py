"""In German no page, part, message or state has a text in English."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pneumonia_api.records.record import XrayRecord
from tests.pneumonia_web.english import find_english, find_english_of
from tests.pneumonia_web.idle_session import leave
from tests.pneumonia_web.listed import KINDS, listed
from tests.pneumonia_web.test_reading import flat_png
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack

LISTS = ("to_review", "uncertain", "needs_person", "all")
PATHS = (
    *(f"/xrays?tab={tab}" for tab in LISTS),
    *("/xrays?sort=suspicion", "/xrays?q=nothing-has-this-name", "/xrays?cursor=0"),
    *(f"/xrays?tab={tab}&cursor={'0' * 32}" for tab in LISTS),
    *("/about", "/preferences", "/deletions", "/reader-study", "/site", "/acceptance", "/unlock"),
    *("/people", "/keys", "/password", "/join"),
    *("/nowhere", "/xrays/0", "/xrays?decision=wrong", "/xrays?q=a&q=b"),
)
PART = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def arzt(stack: Stack) -> Iterator[Visitor]:
    """A logged-in visitor whose browser asks for German."""
    visitor = Visitor(stack.url)
    visitor.session.headers["Accept-Language"] = "de-DE,de;q=0.9,en;q=0.8"
    assert visitor.log_in(stack.user, stack.password).url.endswith("/xrays")
    yield visitor
    visitor.session.close()


@pytest.fixture(scope="module")
def records(stack: Stack) -> Iterator[list[XrayRecord]]:
    """An X-ray of each kind, without an image."""
    with listed(stack, "Deutsch", *KINDS) as added:
        yield added


def check(answer: requests.Response, *expected: str) -> None:
    """It is German, and has these texts."""
    by_nginx = answer.status_code == 413 and "Content-Language" not in answer.headers
    assert by_nginx or answer.headers["Content-Language"] == "de"
    if answer.headers["Content-Type"].startswith("application/json"):
        assert find_english(map(str, answer.json().values())) == []
    else:
        if answer.text.lstrip().startswith("<!doctype"):
            assert '<html lang="de">' in answer.text
        assert find_english_of(answer.text) == [], answer.url
    for text in expected:
        assert text in answer.text.replace("&#39;", "'"), text


@pytest.mark.parametrize("path", PATHS)
def test_page_is_german(arzt: Visitor, records: list[XrayRecord], path: str) -> None:
    """With X-rays of each kind in the list, and as a part for a script."""
    assert len(records) == len(KINDS)
    check(arzt.get(path))
    part = arzt.get(path, headers=PART)
    if part.text:
        check(part)


@pytest.mark.parametrize("kind", KINDS)
def test_page_of_each_kind_of_xray_is_german(
    arzt: Visitor, records: list[XrayRecord], kind: str
) -> None:
    """What it says of the result, the age and the image."""
    [xray] = [each for each in records if each.reference.endswith(kind.replace("_", " "))]
    said = {
        "pneumonia_likely": "Pneumonie wahrscheinlich",
        "uncertain": "Unklar",
        "no_pneumonia_detected": "Kein Hinweis auf Pneumonie",
        "withheld": "Keine Bewertung",
        "rejected": "Nicht analysiert",
        "failed": "Fehlgeschlagen",
    }[kind]
    check(arzt.get(f"/xrays/{xray.id}"), said)
    check(arzt.get(f"/xrays/{xray.id}?film=seen"), said)
    check(arzt.get("/xrays?q=Deutsch"), "Zurückgehalten")


def test_log_in_is_german(stack: Stack) -> None:
    """Before and after each refusal, and with numbers and percent as they are written."""
    visitor = Visitor(stack.url)
    visitor.session.headers["Accept-Language"] = "de"
    check(visitor.get("/login"), "Pneumonie-Erkennung", "Nur für Forschungszwecke")
    check(visitor.log_in("nobody", "wrong"), "Der Name oder das Passwort ist falsch.")
    check(visitor.log_in("", ""), "Geben Sie Ihren Namen und Ihr Passwort ein.")
    check(visitor.get("/xrays", headers=JSON), "Ihre Sitzung ist beendet")
    visitor.session.close()


def test_numbers_are_written_as_in_german(arzt: Visitor, samples: list[Path]) -> None:
    """Decimal comma, and a space before the per cent sign at which no line breaks."""
    about = arzt.get("/about").text
    assert re.search(r"\d\d,\d\u00a0% \(\d\d,\d bis \d\d,\d\u00a0%\)", about)
    assert not re.search(r"\d\.\d", re.sub(r"<code>.*?</code>|v=\w+|woff2|-\d[\d.]+\w*", "", about))
    assert re.search(r"\b\d{1,2}\. (Nov\.|\w+\.?) 20\d\d<", about)
    page = upload(arzt, samples[8], "zahlen")
    assert re.search(r"<strong>(?:>\u00a099|\d+)\u00a0%</strong> Wahrscheinlichkeit", page.text)
    assert re.search(r">\d{1,2}\. \w+\.? 20\d\d, \d\d:\d\d UTC</time>", page.text)


def upload(visitor: Visitor, sample: Path, mark: str, **data: str) -> requests.Response:
    """An X-ray of its own, by the form."""
    file = ("a.jpeg", sample.read_bytes() + mark.encode(), "image/jpeg")
    return visitor.post("/xrays", "/xrays", files={"xray": file}, data=data)


def test_reading_an_xray_is_german(arzt: Visitor, samples: list[Path]) -> None:
    """The answers, what was recorded, what was withdrawn, all readings, and refusals."""
    page = upload(arzt, samples[8], "deutsch-befund", reference="Deutsch Befund")
    check(page, "Zustimmen", "Widersprechen", "Unsicher", "Heatmap", "feld.")
    path = page.url.removeprefix(arzt.url)
    for label in ("pneumonia", "normal", "unsure", "withdrawn", "pneumonia"):
        check(arzt.answer(path, label=label, note="Verschattung"), "„Verschattung“")
    check(arzt.get("/xrays?q=Deutsch+Befund"))
    check(arzt.get(f"{path}/earlier"), "Frühere Röntgenbilder")
    check(arzt.answer(path, label="ill"), "Wählen Sie „Pneumonie“")
    hidden = arzt.read_hidden(path)
    check(arzt.send_answer(path, hidden, PART, label="normal"), "weicht vom KI-Ergebnis ab")
    late = arzt.send_answer(path, hidden, PART, label="unsure")
    check(late, "Dieses Röntgenbild wurde inzwischen befundet")
    old = {name: value for name, value in hidden.items() if name != "seen"}
    check(arzt.send_answer(path, old, PART, label="unsure"), "Die Seite war nicht mehr aktuell")
    outcome = arzt.post(f"{path}/outcomes", path, data={"label": "pneumonia", "basis": "ct"})
    check(outcome, "Die gesicherte Diagnose wurde gespeichert.", ", gesichert durch: CT")
    check(arzt.post(f"{path}/outcomes", path, data={"label": "pneumonia"}))
    check(arzt.get(f"/xrays/next?after={path[-32:]}"))
    deleted = arzt.post(f"{path}/delete", path)
    check(deleted, "Das Röntgenbild und sein Ergebnis wurden gelöscht.")
    check(arzt.get("/deletions"), "kann wiederhergestellt werden bis")
    check(arzt.post(f"{path}/restore", "/deletions"), "Das Röntgenbild wurde wiederhergestellt.")


def test_refused_files_are_german(arzt: Visitor, samples: list[Path]) -> None:
    """On a page, and for the script that sends files."""
    sends = (
        ("a.jpg", b"text", "image/jpeg"),
        ("a.png", flat_png(), "image/png"),
        ("a.jpg", b"", "image/jpeg"),
        ("a.jpg", samples[0].read_bytes()[:2000], "image/jpeg"),
        ("a.jpg", samples[0].read_bytes() + bytes((25 << 20) - 20_000), "image/jpeg"),
        ("a.jpg", samples[0].read_bytes() + bytes(30 << 20), "image/jpeg"),
    )
    for file in sends:
        for headers in ({}, JSON):
            check(arzt.post("/xrays", "/xrays", headers, files={"xray": file}))
    check(arzt.post("/xrays", "/xrays", data={"reference": "x"}), "Wählen Sie zuerst")
    sent = upload(arzt, samples[1], "deutsch-json")
    check(sent)
    body = {"xray": ("a.jpg", samples[1].read_bytes() + b"json", "image/jpeg")}
    answer = arzt.post("/xrays", "/xrays", JSON, files=body)
    assert answer.json()["result"]["word"] in (
        *("Pneumonie wahrscheinlich", "Unklar", "Kein Hinweis auf Pneumonie"),
        *("Bild prüfen", "Keine Bewertung"),
    )


def test_administration_is_german(arzt: Visitor) -> None:
    """The site's prevalence, and the study of all readers."""
    check(arzt.post("/site", "/site", data={"percent": "ninety"}), "0,1 bis 90")
    stated = arzt.post("/site", "/site", data={"percent": "7,5"})
    check(stated, "Die Prävalenz wurde gespeichert.", "7,5\u00a0%", "Von 100 solchen Patienten")
    assert 'value="7,5"' in stated.text


def test_who_reads_first_reads_german(arzt: Visitor, samples: list[Path]) -> None:
    """Until they have answered, and afterwards in the study."""
    saved = arzt.post("/preferences", "/preferences", data={"reads_first": "on", "language": ""})
    try:
        check(saved, "Ihre Einstellungen wurden gespeichert.")
        page = upload(arzt, samples[9], "deutsch-zuerst")
        check(page, "Nach Ihrem Befund", "Befunden Sie das Röntgenbild zuerst.")
        path = page.url.removeprefix(arzt.url)
        check(arzt.get("/xrays?tab=all"))
        check(arzt.answer(path, label="pneumonia"))
        check(arzt.get("/reader-study"), "Median, ab Anzeige der Aufnahme", "Geholfen")
    finally:
        arzt.post("/preferences", "/preferences", data={"language": ""})


def test_locked_page_is_german(arzt: Visitor, stack: Stack) -> None:
    """The form that asks for the password, and its refusals."""
    leave(arzt, stack)
    check(arzt.get("/about"), "Gesperrt")
    check(arzt.get("/xrays", headers=PART), "Die Seite ist gesperrt")
    wrong = arzt.post("/unlock", "/unlock", data={"password": "wrong"})
    check(wrong, "Das Passwort ist falsch.")


def test_export_is_the_same_table_for_everybody(
    arzt: Visitor, doctor: Visitor, records: list[XrayRecord]
) -> None:
    """Programs read it: its head, words and numbers do not depend on a language."""
    assert len(records) == len(KINDS)
    path = "/xrays.csv?q=Deutsch"
    german, english = arzt.get(path), doctor.get(path)
    assert german.text == english.text
    assert german.text.startswith("id,reference,sent,")
    assert "Pneumonia likely" in german.text
    assert ",0.93," in german.text


def test_english_is_found(doctor: Visitor) -> None:
    """On an English page, so that an empty list means something."""
    found = find_english_of(doctor.get("/about").text)
    for text in ("What it cannot do", "Log out", "About the model, and help", "Heat map"):
        assert text in found
    assert len(found) > 60
