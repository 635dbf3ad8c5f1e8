"""The language of the pages: English, which the code has, or one that has a catalogue.

Texts are apart from code as gettext keeps them: `translations/LANGUAGE/LC_MESSAGES/messages.po`. A
process compiles the catalogues in memory at its start, so that no compiled copy can be out of date,
whether it runs from a clone, a wheel or a host's package folder.
"""

import json
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, current_app, has_app_context, request, session
from flask_babel import Babel, Domain, get_locale

from pneumonia_web.assets import Asset, make_asset

FOLDER = Path(__file__).parent / "translations"

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""What a person can choose, each in its own words; the first is that of the code."""

WRITTEN = ("text/html", "text/plain", "application/json")
"""Media types of answers that have sentences."""


def N_(text: str) -> str:
    """Mark a text for the catalogue; it is translated where it is shown."""
    return text


def choose_language() -> str:
    """That of the person's preferences, else the best that their browser asks for, else English."""
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    # Werkzeug's own match would prefer a lesser "de" to "en-GB", which is none of LANGUAGES.
    for tag, quality in request.accept_languages:
        language = tag.partition("-")[0].lower()
        if quality > 0 and language in LANGUAGES:
            return language
    return "en"


def find_language() -> str:
    """The language of this request; English outside one."""
    if not has_app_context() or "babel" not in current_app.extensions:
        return "en"
    locale = get_locale()
    return str(locale.language) if locale else "en"


def find_texts() -> NullTranslations:
    """The texts of this request's language."""
    language = find_language()
    return NullTranslations() if language == "en" else compile_catalogue(language)


def gettext(text: str, **values: object) -> str:
    """A text in the language of this request; a lone % is doubled where there are values."""
    found = find_texts().gettext(text)
    return found % values if values else found


def ngettext(one: str, many: str, num: int) -> str:
    """The same for a number, which the text has as %(num)s."""
    return find_texts().ngettext(one, many, num) % {"num": num}


def translate(text: str) -> str:
    """A text that was marked with `N_`; one that the catalogue lacks stays, such as a site's."""
    return gettext(text) if text else text  # gettext has its headers under an empty text


@cache
def read_catalogue(language: str) -> Catalog:
    """The catalogue of a language. Raises OSError if it is not there."""
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@cache
def compile_catalogue(language: str) -> Translations:
    """The same for gettext."""
    compiled = BytesIO()
    write_mo(compiled, read_catalogue(language))
    compiled.seek(0)
    return Translations(compiled)


def make_script_texts() -> dict[str, Asset]:
    """For each language a script with the texts of scripts, by the English ones that they have."""
    return {
        f"texts-{language}.js": make_asset(_write_script_texts(language), "text/javascript")
        for language in LANGUAGES
        if language != "en"
    }


def _write_script_texts(language: str) -> bytes:
    # The catalogue says of each text which files have it.
    texts: dict[str, str] = {}
    for message in read_catalogue(language):
        if any(file.endswith(".js") for file, _ in message.locations):
            texts.update(zip(_list(message.id), _list(message.string), strict=True))
    return f"globalThis.TEXTS = {json.dumps(texts, ensure_ascii=False)};\n".encode()


def _list(text: str | Sequence[str] | None) -> Sequence[str]:
    return [text or ""] if isinstance(text, str | None) else text


class CatalogueDomain(Domain):
    """Flask-Babel's texts, from the catalogues instead of compiled files."""

    def get_translations(self) -> NullTranslations:
        """Those of this request's language."""
        return find_texts()


def serve_languages(app: Flask) -> None:
    """Have `app` answer each request in its language."""
    babel = Babel(app, locale_selector=choose_language)
    babel.domain_instance = CatalogueDomain()
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.globals.update(language=find_language, languages=LANGUAGES)
    app.jinja_env.filters["translated"] = translate
    app.after_request(name_language)
    for language in LANGUAGES:
        if language != "en":
            compile_catalogue(language)  # a broken catalogue ends the start, not a request


def name_language(response: Response) -> Response:
    """State the language of an answer with sentences, and that the browser's choice decides it."""
    if response.mimetype in WRITTEN:
        response.content_language.add(find_language())
        response.vary.add("Accept-Language")
    return response
