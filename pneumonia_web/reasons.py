"""Why an acceptance says what it says, in the language of the page.

The API states each reason in English, for its command too, so it is found here by its sentence.
`tests/pneumonia_web/test_reasons.py` compares these with the code that states them.
"""

import re

from pneumonia_web.formats import decimal
from pneumonia_web.language import N_, find_language, gettext, translate
from pneumonia_web.sentences import match_text

REASONS = (
    N_("The %(figure)s is below %(least)s: %(share)s (%(low)s to %(high)s), %(count)s of %(of)s."),
    N_(
        "The %(figure)s is at least %(least)s: %(share)s (%(low)s to %(high)s), %(count)s of "
        "%(of)s."
    ),
    N_(
        "The %(figure)s may be below %(least)s: %(share)s (%(low)s to %(high)s), %(count)s of "
        "%(of)s. More films help only if the share rises."
    ),
    N_(
        "The %(figure)s may be below %(least)s: %(share)s (%(low)s to %(high)s), %(count)s of "
        "%(of)s. If the share stays, %(more)s more patients would do."
    ),
    N_("Patients with pneumonia: %(count)s, of at least %(least)s."),
    N_("Patients without pneumonia: %(count)s, of at least %(least)s."),
    N_(
        "The stopping rule found the %(figure)s below the expected %(expected)s after %(count)s "
        "read films: look why before more are read."
    ),
)

FIGURES = {"sensitivity": N_("Sensitivity"), "specificity": N_("Specificity")}
"""In the middle of a sentence of the API, and as the pages write it: a noun in German."""

NUMBER = re.compile(r"\d+\.\d+")


def translate_reason(sentence: str) -> str:
    """A reason of a verdict; one that is not known here stays as it came."""
    if find_language() == "en":
        return sentence
    for text in REASONS:
        if (values := match_text(text, sentence)) is not None:
            return gettext(text, **{name: _translate(value) for name, value in values.items()})
    return sentence


def _translate(value: str) -> str:
    if value in FIGURES:
        return translate(FIGURES[value])
    return decimal(value) if NUMBER.fullmatch(value) else value
