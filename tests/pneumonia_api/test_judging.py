"""`pneumonia_api.judging`: the end state of an X-ray, in a worker and in an archive run."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from model.cage.pool import Cage, CageFault, CageLost, PreviewedXray
from model.reading.ages import AGES, Age, AgeBand
from model.reading.limits import UnreadableXray
from model.serving.finding import FINDINGS, UncertainBand
from model.serving.predictor import Prediction
from pneumonia_api.judging import TRIES, fail, judge, read, reject, was_decoded
from pneumonia_api.records import record
from pneumonia_api.records.record import PredictionRecord, QualityRecord, new_xray
from pneumonia_api.records.scope import ScopeRecord

XRAY = new_xray("doctor", "digest")
PREDICTION = Prediction(
    0.9, "pneumonia", 0.5, "m1", [[0.0, 1.0]], 0.4, None, None, "bfloat16", "pneumonia_likely"
)
IMAGE = PreviewedXray(np.zeros((224, 224, 1), np.float32), 300, 300, (), b"jpeg")


class FakeCage:
    """Raises its errors one after another, then reads the image; counts the calls."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    def read(self, *arguments: object, **named: object) -> PreviewedXray:
        """See `Cage.read`."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return IMAGE


def test_prediction_makes_the_record_done() -> None:
    """Quality holds the warnings of network and reader, in this order."""
    judged = judge(XRAY, replace(PREDICTION, warning="Unlike most."), ("Rotated.",), "unknown")
    assert judged == replace(
        XRAY,
        status="done",
        prediction=PredictionRecord(
            0.9, "pneumonia", 0.5, "m1", [[0.0, 1.0]], "bfloat16", "pneumonia_likely"
        ),
        quality=QualityRecord(False, ["Unlike most.", "Rotated."], 0.4),
        scope=ScopeRecord(False, "unknown", None, None),
    )


@pytest.mark.parametrize("age", AGES)
def test_record_says_whether_the_patient_is_out_of_scope(age: Age) -> None:
    """It has the band and the word, and no age; whoever may be outside is."""
    prediction = replace(
        PREDICTION,
        finding="uncertain",
        uncertain=UncertainBand(0.2, 0.95),
        ages=AgeBand(1, 5),
    )
    judged = judge(XRAY, prediction, (), age)
    outside = age not in ("within", "unknown", "implausible")
    assert judged.scope == ScopeRecord(outside, age, 1, 5)
    assert judged.status == "done"
    assert judged.prediction
    assert (judged.prediction.decision, judged.prediction.finding) == ("pneumonia", "uncertain")
    assert judged.prediction.uncertain == [0.2, 0.95]


def test_findings_of_records_are_those_of_the_model() -> None:
    """The API, which does not import the predictor, has a list of its own."""
    assert record.FINDINGS == FINDINGS


def test_refusal_makes_the_record_rejected() -> None:
    """It has the reason and the score, and no prediction."""
    judged = judge(
        XRAY, replace(PREDICTION, ood=1.7, refusal="No chest X-ray."), ("Rotated.",), "unknown"
    )
    assert judged == replace(
        XRAY,
        status="rejected",
        reason="No chest X-ray.",
        quality=QualityRecord(False, ["No chest X-ray.", "Rotated."], 1.7),
    )


def test_unreadable_file_is_rejected_and_a_fault_fails() -> None:
    """The reason says what the sender can do."""
    rejected = reject(XRAY, UnreadableXray("Export it again.", "unreadable"))
    assert (rejected.status, rejected.reason) == ("rejected", "Export it again.")
    failed = fail(XRAY, "send it again")
    assert failed.status == "failed"
    assert str(failed.reason).endswith("because of a fault on our side; send it again.")


def test_refused_image_was_decoded_and_an_unreadable_file_was_not() -> None:
    """Whether there is a preview: a person must look at what the network refuses."""
    assert was_decoded(judge(XRAY, PREDICTION, (), "unknown"))
    assert was_decoded(judge(XRAY, replace(PREDICTION, refusal="No."), (), "unknown"))
    assert not was_decoded(reject(XRAY, UnreadableXray("Export it again.", "unreadable")))
    assert not was_decoded(fail(XRAY, "send it again"))


@pytest.mark.parametrize(("lost", "tries", "calls"), [(1, TRIES, 2), (9, TRIES, TRIES), (9, 1, 1)])
def test_lost_reader_is_tried_again(lost: int, tries: int, calls: int) -> None:
    """As often as the caller wants; the worker leaves it to Celery."""
    cage = FakeCage(*[CageLost() for _ in range(lost)])
    if calls > lost:
        assert read(cast(Cage, cage), b"", 1, 224, None, tries=tries) is IMAGE
    else:
        with pytest.raises(CageLost):
            read(cast(Cage, cage), b"", 1, 224, None, tries=tries)
    assert cage.calls == calls


@pytest.mark.parametrize("error", [UnreadableXray("No.", "unreadable"), CageFault("line 1")])
def test_fault_of_the_file_is_not_tried_again(error: Exception) -> None:
    """The same file would give the same error."""
    cage = FakeCage(error)
    with pytest.raises(type(error)):
        read(cast(Cage, cage), b"", 1, 224, None, tries=TRIES)
    assert cage.calls == 1
