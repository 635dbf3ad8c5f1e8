"""Which answers take part in the reader study."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis

from pneumonia_api.records.comparisons import Comparison, compare, list_comparisons
from pneumonia_api.records.confirming import Outcomes
from pneumonia_api.records.deletions import Deletions
from pneumonia_api.records.outcomes import OutcomeRecord, find_truth
from pneumonia_api.records.record import QualityRecord, XrayRecord, new_xray
from pneumonia_api.records.reviews import NewReading, Reviews
from pneumonia_api.records.scope import ScopeRecord
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.records.judged import done

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def read_blind(client: redis.Redis, label: str = "normal", number: int = 0) -> XrayRecord:
    """A stored X-ray that was read without the AI result; a higher `number` is newer."""
    xray = replace(done(new_xray("doctor", "d1")), id=f"{number:032x}")
    XrayStore(client).add(xray)
    new = NewReading(label, ai="hidden", seconds=8.5)
    return Reviews(client).append(xray.id, new, reader="ann", at=NOW)


def test_answer_that_is_kept_counts_as_both(client: redis.Redis) -> None:
    """Without a second answer there is no second time."""
    read_blind(client)
    expected = Comparison("ann", "normal", "normal", "pneumonia", None, 8.5, None)
    assert list_comparisons(client) == [expected]


def test_only_the_first_answer_after_the_result_is_hidden(client: redis.Redis) -> None:
    """The time is that of each answer; the outcome is the last that was entered."""
    xray = read_blind(client)
    shown = NewReading("pneumonia", ai="shown", seconds=3.0)
    Reviews(client).append(xray.id, shown, reader="ann", at=NOW)
    for label, basis in (("normal", "ct"), ("pneumonia", "consensus")):
        Outcomes(client).append(xray.id, label, basis, by="lead", at=NOW)
    expected = Comparison("ann", "normal", "pneumonia", "pneumonia", "pneumonia", 8.5, 3.0)
    assert list_comparisons(client) == [expected]


def test_who_saw_the_result_first_takes_no_part(client: redis.Redis) -> None:
    """Nor who takes the reading back, nor a record that was deleted."""
    xray = done(new_xray("doctor", "d1"))
    XrayStore(client).add(xray)
    Reviews(client).append(xray.id, NewReading("normal", ai="shown"), reader="ann", at=NOW)
    assert list_comparisons(client) == []
    taken = read_blind(client, number=1)
    Reviews(client).append(taken.id, NewReading("withdrawn"), reader="ann", at=NOW)
    assert list_comparisons(client) == []
    deleted = read_blind(client, number=2)
    Deletions(client, timedelta(days=1)).delete(deleted.id, by="ann", at=datetime.now(UTC))
    assert list_comparisons(client) == []


@pytest.mark.parametrize("without", ["finding", "quality", "scope"])
def test_nobody_is_helped_or_misled_without_a_verdict(client: redis.Redis, without: str) -> None:
    """Uncertain, a poor image, or a patient of another age."""
    xray = read_blind(client)
    assert compare(xray)
    assert xray.prediction
    changed = {
        "finding": replace(xray, prediction=replace(xray.prediction, finding="uncertain")),
        "quality": replace(xray, quality=QualityRecord(False, ["Blurred."], 1.5)),
        "scope": replace(xray, scope=ScopeRecord(True, "above", 1, 5)),
    }[without]
    assert compare(changed) == []


def test_newest_first_and_no_more_than_asked_for(client: redis.Redis) -> None:
    """The page stays fast however many there are."""
    for number, label in enumerate(("normal", "unsure", "pneumonia")):
        read_blind(client, label, number)
    assert [each.before for each in list_comparisons(client, 2)] == ["pneumonia", "unsure"]


def test_truth_that_was_taken_back_is_unknown() -> None:
    """Nobody knows, rather than what was entered before."""
    entered = [OutcomeRecord("normal", "ct", "ann", ""), OutcomeRecord("unknown", "", "ann", "")]
    assert find_truth(entered[:1]) == "normal"
    assert find_truth(entered) is None
    assert find_truth([]) is None
