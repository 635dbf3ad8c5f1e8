"""Where no page says what a result is worth."""

from dataclasses import replace

import pytest
from flask import Flask

from pneumonia_web.api_client import ApiError
from pneumonia_web.site import Worth, count_of_100, find_worth, say_ill, say_interval
from pneumonia_web.verdict import Verdict

SHOWN = Verdict("pneumonia_likely", "pneumonia", "")
XRAY = {"prediction": {"model": "m1", "finding": "pneumonia_likely"}}
SITE = {
    "prevalences": [{"percent": 7.5, "by": "lead", "at": ""}],
    "model": "m1",
    "patients": 428,
    "worth": {
        name: {"share": 0.594, "low": 0.448, "high": 0.7}
        for name in ("pneumonia_likely", "uncertain")
    },
}


class Api:
    """What the API answers about the site."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def read_site(self, token: str) -> object:
        """The answer, or the refusal."""
        assert token == "t"
        if isinstance(self.answer, ApiError):
            raise self.answer
        return self.answer


def ask(verdict: Verdict = SHOWN, answer: object = SITE) -> Worth | None:
    """What the page says."""
    app = Flask(__name__)
    app.secret_key = "s"
    app.extensions["api"] = Api(answer)
    with app.test_request_context() as context:
        context.session["token"] = "t"
        return find_worth(XRAY, verdict)


def test_worth_in_whole_people() -> None:
    """As text, with the interval."""
    assert ask() == Worth("7.5", "about 59 are ill", "45 to 70", 428)


@pytest.mark.parametrize(
    "verdict",
    [
        replace(SHOWN, hidden=True),
        replace(SHOWN, reveal="Show anyway", banner="Not valid"),
        replace(SHOWN, finding=None, reveal="Show the score"),
        replace(SHOWN, finding="uncertain", decision=None),
    ],
)
def test_withheld_result_has_none(verdict: Verdict) -> None:
    """Before the reader's answer, out of scope, with a quality warning, and where uncertain."""
    assert ask(verdict) is None


@pytest.mark.parametrize(
    "answer",
    [
        {**SITE, "model": "m2"},
        {**SITE, "worth": {}},
        ApiError(404, "not_found", "There is nothing."),
    ],
)
def test_unknown_worth_is_left_out(answer: object) -> None:
    """Another model, no prevalence, an API of the previous release."""
    assert ask(answer=answer) is None


def test_result_by_a_site_profile_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ratios were measured at the threshold and the band of the model itself."""
    decided = {**XRAY["prediction"], "profile": "p1"}
    monkeypatch.setitem(XRAY, "prediction", decided)
    assert ask() is None


def test_outage_is_not_hidden() -> None:
    """It is answered like that of the record."""
    with pytest.raises(ApiError):
        ask(answer=ApiError(503, "api_unavailable", "The service is not responding."))


@pytest.mark.parametrize(
    ("share", "said"), [(0.004, "fewer than 1"), (0.01, "1"), (0.994, "more than 99"), (0.5, "50")]
)
def test_never_none_and_never_all(share: float, said: str) -> None:
    """No result is certain."""
    assert count_of_100(share) == said


def test_sentences_are_sentences() -> None:
    """One person is ill; where both ends say the same, it is said once."""
    rare = {"share": 0.002, "low": 0.0005, "high": 0.004}
    assert (say_ill(rare), say_interval(rare)) == ("fewer than 1 is ill", "fewer than 1")
    assert say_ill({"share": 0.01}) == "about 1 is ill"
    assert say_ill({"share": 0.999}) == "more than 99 are ill"
