"""What the pages say about a result, and what they withhold."""

from typing import Any, cast

import pytest

from pneumonia_web.records import Prediction, Quality, Scope, Xray
from pneumonia_web.verdict import FINDINGS, READINGS, Verdict, find_verdict

PREDICTION: Prediction = {
    "probability": 0.9,
    "decision": "pneumonia",
    "finding": "pneumonia_likely",
    "uncertain": [0.2, 0.7],
    "threshold": 0.5,
    "model": "m1",
    "heatmap": [],
}
WITHIN: Scope = {"out_of_scope": False, "age": "within", "youngest": 1, "oldest": 5}
AGE = "Age in the file: within 1 to 5, as the model needs"
POOR: Quality = {"ok": False, "warnings": ["Unlike most."], "ood": 0.9}


def xray(**changes: Any) -> Xray:
    """One that is done, of a child, with a clear answer."""
    record: Xray = {
        "id": "0" * 32,
        "status": "done",
        "source": "doctor",
        "created_at": "2026-11-27T12:00:00.000+00:00",
        "reference": "",
        "prediction": PREDICTION,
        "quality": {"ok": True, "warnings": [], "ood": 0.1},
        "reason": None,
        "review": None,
        "scope": WITHIN,
    }
    return cast("Xray", {**record, **changes})


def test_clear_finding_is_shown_and_can_be_agreed_with() -> None:
    """The finding, the decision, and that the age fits."""
    assert find_verdict(xray()) == Verdict("pneumonia_likely", "pneumonia", AGE)


def test_uncertain_finding_has_nothing_to_agree_with() -> None:
    """Whichever side of the threshold it is on."""
    for decision in ("pneumonia", "normal"):
        uncertain = {**PREDICTION, "finding": "uncertain", "decision": decision}
        assert find_verdict(xray(prediction=uncertain)) == Verdict("uncertain", None, AGE)


def test_poor_image_has_no_verdict() -> None:
    """Only the score, on demand."""
    found = find_verdict(xray(quality=POOR))
    assert found == Verdict(None, None, AGE, "Check image", None, "Show the score")


@pytest.mark.parametrize(
    ("age", "who"),
    [
        ("under", "The file says that the patient is younger than 1."),
        ("above", "The file says that the patient is older than 5."),
        ("contradictory", "The age and the dates in the file disagree."),
    ],
)
def test_patient_out_of_scope_is_said_in_a_banner(age: str, who: str) -> None:
    """The result is withheld; on a poor image even then without the finding."""
    scope = {**WITHIN, "out_of_scope": True, "age": age}
    for quality, finding in ((None, "pneumonia_likely"), (POOR, None)):
        found = find_verdict(xray(scope=scope, quality=quality))
        assert (found.finding, found.decision) == (finding, None)
        assert (found.flag, found.reveal) == ("Not ages 1 to 5", "Show anyway")
        assert found.banner
        assert found.banner.startswith(who)
        assert "validated for ages 1 to 5 only" in found.banner


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        ({**WITHIN, "age": "unknown"}, "Age not in the file: valid only for ages 1 to 5"),
        ({**WITHIN, "age": "implausible"}, "The age in the file cannot be right: valid only for"),
        ({**WITHIN, "age": "of a later release"}, "AI result valid only for ages 1 to 5"),
        ({**WITHIN, "youngest": None, "oldest": None}, "The model does not state the ages"),
        (None, "Age not checked: an earlier release"),
    ],
)
def test_no_age_is_asserted_that_nobody_read(scope: Scope | None, sentence: str) -> None:
    """The result is shown, and the line says what is not known."""
    found = find_verdict(xray(scope=scope))
    assert found.age.startswith(sentence)
    assert found.flag is None


def test_who_reads_first_sees_no_result_until_they_have_answered() -> None:
    """Also not where another has; and for good once they have, whatever became of the answer."""
    review = {"label": "normal", "note": "", "reader": "ann", "reviewed_at": ""}
    for unread in (xray(), xray(readings=[]), xray(review=review, readings=[review])):
        hidden = find_verdict(unread, "bob")
        assert (hidden.finding, hidden.decision, hidden.reveal) == (None, None, None)
        assert (hidden.hidden, hidden.flag, hidden.age) == (True, "After your reading", AGE)
    for read in (xray(review=review), xray(readings=[review])):
        assert find_verdict(read, "ann") == find_verdict(read)
    adult = xray(scope={**WITHIN, "out_of_scope": True, "age": "above"})
    assert find_verdict(adult, "bob").banner == find_verdict(adult).banner
    assert find_verdict(adult, "bob").reveal is None


def test_no_word_calls_an_xray_normal() -> None:
    """Neither of the model's nor of a reader's."""
    assert "normal" not in " ".join([*FINDINGS.values(), *READINGS.values()]).lower()
