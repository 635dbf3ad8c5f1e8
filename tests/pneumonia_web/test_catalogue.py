"""The catalogues: every text of the pages is in them, translated, with what it must carry along."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from pneumonia_web.app import STATIC, create_app
from pneumonia_web.language import (
    FOLDER,
    LANGUAGES,
    compile_catalogue,
    make_script_texts,
    read_catalogue,
)
from tests.pneumonia_web.catalogue import WEB, extract, update

OTHERS = [language for language in LANGUAGES if language != "en"]

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|%%")
MARKUP = re.compile(r"<[^>]+>|&\w+;")
IN_SCRIPT = re.compile(r'\b(?:gettext|ngettext)\(\s*("(?:[^"\\]|\\.)*")')

# What is left of a template without these is text that no gettext has.
EXPRESSION = re.compile(r"\{#.*?#\}|\{% trans.*?endtrans %\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
TAG = re.compile(r"<(kbd|code|b)\b[^>]*>[^<]*</\1>|<[^>]+>")
ATTRIBUTE = re.compile(r'[\w-]+="[^"]*"')  # in a macro, outside of its tag
SHOWN_ATTRIBUTES = re.compile(
    r'\b(?:alt|aria-label|title|placeholder|data-label|data-sentence)="((?:\{\{.*?\}\}|[^"])*)"'
)


def pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Each English form with its translation."""
    english = (message.id,) if isinstance(message.id, str) else message.id
    other = (message.string,) if isinstance(message.string, str | None) else message.string
    return ((text, found or "") for text, found in zip(english, other, strict=True))


def read_all(language: str) -> list[Message]:
    """All texts of a catalogue, without its head."""
    return [message for message in read_catalogue(language) if message.id]


@pytest.mark.parametrize("language", OTHERS)
def test_catalogue_is_what_the_code_has(language: str) -> None:
    """Neither a text less nor one more; `make translations` would change nothing."""
    stored = (FOLDER / language / "LC_MESSAGES" / "messages.po").read_text()
    assert update(language) == stored
    assert len(read_all(language)) > 500


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    """None is empty, and none is a guess."""
    for message in read_all(language):
        assert not message.fuzzy, message.id
        assert all(other.strip() for _, other in pairs(message)), message.id


@pytest.mark.parametrize("language", OTHERS)
def test_translation_carries_the_same_values_and_markup(language: str) -> None:
    """A lost placeholder would lose a number; a stray tag or quote would break the page."""
    for message in read_all(language):
        for english, other in pairs(message):
            for part in (PLACEHOLDER, MARKUP):
                assert sorted(part.findall(english)) == sorted(part.findall(other)), english
            # Some stand in attributes; every other quotation mark is typographic.
            bare = MARKUP.sub("", other)
            assert not set('"<>') & set(bare) or bare.startswith(("<\u00a0", ">\u00a0")), english
            assert not re.search(r"\d %|\)s %", other), f"a space that may break: {other}"
            for side in (str.lstrip, str.rstrip):
                assert (side(english) == english) == (side(other) == other), english


@pytest.mark.parametrize("language", OTHERS)
def test_process_serves_the_catalogue(language: str) -> None:
    """What is compiled at start is all of the committed file."""
    texts = compile_catalogue(language)
    for message in read_all(language):
        english, other = zip(*pairs(message), strict=True)
        if len(english) == 1:
            assert texts.gettext(english[0]) == other[0]
        else:
            assert tuple(texts.ngettext(english[0], english[1], num) for num in (1, 2)) == other


def test_no_text_of_a_template_is_left_out() -> None:
    """Between tags, and in each attribute that a person reads or hears."""
    for file in (WEB / "templates").glob("*.html"):
        source = file.read_text()
        for found in SHOWN_ATTRIBUTES.findall(source):
            assert not re.search(r"[A-Za-z]{2}", EXPRESSION.sub("", found)), (file.name, found)
        source = re.sub(r"\{% block main_class %\}.*?\{%", "{%", source)
        bare = ATTRIBUTE.sub("", TAG.sub("\n", EXPRESSION.sub("", source)))
        words = [line.strip() for line in bare.splitlines() if re.search(r"[A-Za-z]{2}", line)]
        assert words == [], file.name
        bare = re.sub(r'_\(\s*"[^"]*"', "_(", source)
        assert re.findall(r'\{\{[^}]*?"([A-Z][a-z]+[^"]*)"', bare) == [], file.name


@pytest.mark.parametrize("file", sorted(STATIC.glob("*.js")), ids=lambda file: file.name)
def test_no_text_of_a_script_is_left_out(file: Path) -> None:
    """What it passes to gettext is found, and no sentence is passed to nothing."""
    if file.name.startswith("htmx"):
        return
    source = re.sub(r"^\s*//.*$|\s//\s.*$", "", file.read_text(), flags=re.MULTILINE)
    place = f"pneumonia_web/static/{file.name}"
    own = {
        next(pairs(message))[0]
        for message in extract()
        if place in [found for found, _ in message.locations]
    }
    called = {each[1:-1] for each in IN_SCRIPT.findall(source)}
    assert called == own
    without = re.sub(r'\b(?:gettext|ngettext)\((?:\s*"[^"]*",?)+', "", source)
    sentences = re.findall(r'["`]((?:[A-Z][a-z]+|[a-z]+) [a-z]+ [a-z ]+[^"`]*)["`]', without)
    assert [each for each in sentences if not each.startswith(("a PNG", "not a PNG"))] == []


def test_scripts_get_their_texts() -> None:
    """All of them, and none of the server's, in a file that browsers keep for good."""
    for language in OTHERS:
        name = f"texts-{language}.js"
        served = make_script_texts()[name].content.decode()
        for message in read_all(language):
            scripted = any(place.endswith(".js") for place, _ in message.locations)
            for english, other in pairs(message):
                line = f'"{english}": "{other}"'
                assert (line in served) == scripted, english


def test_page_loads_the_texts_before_the_scripts() -> None:
    """In English none."""
    app = create_app({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s", "COOKIE_SECURE": "0"})
    client = app.test_client()
    german = client.get("/login", headers={"Accept-Language": "de"}).text
    scripts = re.findall(r'<script src="/static/([\w.-]+)\?v=(\w+)"', german)
    names = [name for name, _ in scripts]
    assert names.index("texts-de.js") < names.index("page.js")
    [digest] = [digest for name, digest in scripts if name == "texts-de.js"]
    answer = client.get(f"/static/texts-de.js?v={digest}")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Accept-Language" not in answer.headers.get("Vary", "")
    assert "texts-" not in client.get("/login").text
