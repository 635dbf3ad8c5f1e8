"""`pneumonia_web.reasons`: every reason that the API states is shown in the page's language."""

import pytest

from pneumonia_api.acceptance.figures import measure
from pneumonia_api.acceptance.rule import Bounds, decide
from pneumonia_api.acceptance.stopping import Bet
from pneumonia_web import reasons
from pneumonia_web.sentences import match_text
from tests.pneumonia_api.acceptance.films import make

BOUNDS = {"sensitivity": Bounds(0.95, 0.9), "specificity": Bounds(0.9, 0.8)}
ALARM = {"specificity": Bet(0.9, 0.8, 90, 22, 18, 120)}


def state(found: int, missed: int, right: int, wrong: int) -> list[str]:
    """The reasons on so many films, with an alarm of the stopping rule."""
    called = [True] * found + [False] * missed + [False] * right + [True] * wrong
    films = [
        make(n, ill=n < found + missed, probability=0.9 if each else 0.1)
        for n, each in enumerate(called)
    ]
    return [*decide(measure(films), BOUNDS).reasons, *decide(measure(films), BOUNDS, ALARM).reasons]


STATED = {
    reason
    for counts in ((98, 2, 190, 10), (70, 30, 86, 14), (60, 5, 79, 21), (3, 0, 4, 0))
    for reason in state(*counts)
}


def test_every_reason_is_known_and_every_known_reason_is_stated() -> None:
    """None is left in English, and the catalogue has none that nobody says."""
    for reason in STATED:
        assert [text for text in reasons.REASONS if match_text(text, reason)], reason
    for text in reasons.REASONS:
        assert [reason for reason in STATED if match_text(text, reason)], text


def test_reason_in_german(monkeypatch: pytest.MonkeyPatch) -> None:
    """With German numbers and nouns; what is not known stays as it came."""
    for module in ("pneumonia_web.reasons", "pneumonia_web.formats", "pneumonia_web.language"):
        monkeypatch.setattr(f"{module}.find_language", lambda: "de")
    stated = "The sensitivity is at least 0.9: 0.980 (0.930 to 0.994), 98 of 100."
    assert reasons.translate_reason(stated) == (
        "Sensitivität mindestens 0,9: 0,980 (0,930 bis 0,994), 98 von 100."
    )
    assert reasons.translate_reason("Something else.") == "Something else."
