"""Clinicians' own readings of judged X-rays, and the weekly counts of how often they agree."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.indexes import move
from pneumonia_api.records.record import (
    DECISIONS,
    PredictionRecord,
    ReviewRecord,
    XrayMissing,
    XrayRecord,
    read_hash,
    write_hash,
)

LABELS = (*DECISIONS, "unsure")
MAX_NOTE = 200
"""Characters; one line next to the result, not a report."""

COUNTS_KEPT = timedelta(weeks=53)
"""After the end of their week, so that it can be compared with the same week a year later."""


class NotReviewable(RuntimeError):
    """The record has no prediction to review."""


class Reviews:
    """Writes reviews."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def put(self, xray_id: str, *, label: str, note: str, reader: str, at: datetime) -> XrayRecord:
        """Store a review in place of any earlier one, and return the record.

        Record, indexes and the counts of the week of `at` change in one transaction, so the counts
        are exact. A replaced review is subtracted from the week in which it was counted. Deleting
        the record later does not change the counts: they describe the model, not the patient.

        Raises XrayMissing, or NotReviewable when the record is not done.
        """
        key = keys.xray(xray_id)
        reviewed_at = at.astimezone(UTC).isoformat(timespec="milliseconds")
        review = ReviewRecord(label=label, note=note, reader=reader, reviewed_at=reviewed_at)

        def replace_review(pipe: redis.client.Pipeline) -> XrayRecord:
            values = pipe.hgetall(key)
            if not values:
                raise XrayMissing(xray_id)
            xray = read_hash(values)
            if xray.status != "done" or not xray.prediction:
                raise NotReviewable(xray_id)
            pipe.multi()
            # After a lost reply, the earlier review is that of the first attempt.
            if xray.review:
                _count(pipe, xray.prediction, xray.review, -1)
            _count(pipe, xray.prediction, review, 1)
            read = replace(xray, review=review)
            pipe.hset(key, "review", write_hash(read)["review"])
            move(pipe, xray, read)
            return read

        stored: XrayRecord = self._redis.transaction(replace_review, key, value_from_callable=True)
        return stored


def _count(
    pipe: redis.client.Pipeline, prediction: PredictionRecord, review: ReviewRecord, by: int
) -> None:
    year, week, _ = datetime.fromisoformat(review.reviewed_at).isocalendar()
    counts = keys.reviews(f"{year}-W{week:02}")
    pipe.hincrby(counts, f"{prediction.model} {prediction.decision} {review.label}", by)
    # Every change sets the same expiry; for a week long past, that deletes the key again at once.
    monday = datetime.fromisocalendar(year, week, 1).replace(tzinfo=UTC)
    pipe.expireat(counts, monday + timedelta(weeks=1) + COUNTS_KEPT)
