"""Brings the texts of the web's code, templates and scripts into the catalogue of each language.

`make translations` runs it: new texts wait there for a translator, and those that are gone are
dropped. A new language gets an empty catalogue once `pneumonia_web/language.py` offers it.
"""

import io
import tomllib

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from pneumonia_web.language import FOLDER, LANGUAGES
from tests.stack import ROOT

WEB = ROOT / "pneumonia_web"
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None}

HEADERS = ("Project-Id-Version", "Language:", "Plural-Forms", "Content-Type")
"""Of those that Babel writes; the history of the file is in git."""


def extract() -> Catalog:
    """The texts in the code, with the files that have them. Raises whatever a file is wrong in."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [(table["pattern"], table["method"]) for table in tables]
    options = {
        table["pattern"]: {name: table[name] for name in table.keys() - {"pattern", "method"}}
        for table in tables
    }
    found = Catalog(project="pneumonia-detection", fuzzy=False)
    for file, line, text, comments, context in extract_from_dir(
        WEB, methods, options, keywords=KEYWORDS
    ):
        place = (f"{WEB.name}/{file}", line)
        found.add(text, locations=[place], auto_comments=comments, context=context)
    return found


def update(language: str) -> str:
    """The catalogue of a language with the texts that the code has now."""
    file = FOLDER / language / "LC_MESSAGES" / "messages.po"
    catalog = Catalog(locale=language, header_comment="", fuzzy=False)
    if file.exists():
        with file.open("rb") as stored:
            catalog = read_po(stored, locale=language)
    catalog.update(extract(), no_fuzzy_matching=True, update_header_comment=False)
    written = io.BytesIO()
    write_po(written, catalog, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
    head, blank, texts = written.getvalue().decode().partition("\n\n")
    kept = [line for line in head.splitlines() if line[:1] != '"' or line[1:].startswith(HEADERS)]
    return "\n".join(kept) + blank + texts.rstrip("\n") + "\n"


def main() -> None:
    """Write them all."""
    for language in LANGUAGES:
        if language != "en":
            file = FOLDER / language / "LC_MESSAGES" / "messages.po"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(update(language))


if __name__ == "__main__":
    main()
