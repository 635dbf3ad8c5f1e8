"""The clinician's own reading of a judged X-ray, and the counts that tell how often both agree."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from pneumonia_api.records.xrays import DECISIONS, XrayMissing, XrayRecord, read_hash

LABELS = (*DECISIONS, "unsure")
MAX_NOTE = 200
"""Characters; a line beside the result, not a report."""

COUNTS_KEPT = timedelta(weeks=53)
"""After the end of their week: each can be compared with the same week of the year before."""


class NotReviewable(RuntimeError):
    """There is no prediction to agree or disagree with."""


class Reviews:
    """Writes reviews. Keys are listed in `pneumonia_api.records.xrays`."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def put(self, xray_id: str, *, label: str, note: str, reader: str, at: datetime) -> XrayRecord:
        """The record with this review in place of any earlier one: the last one stands.

        Record, index and the counts of the week of `at` (UTC) change in one transaction, so that
        the counts are exact. An earlier review is taken out of the week that it was counted in.
        Deleting the record later leaves them as they are: that somebody agreed or not stays true
        of the model, and says nothing of a patient.

        Raises XrayMissing, or NotReviewable when the record is not done.
        """
        key = f"xray:{xray_id}"
        reviewed_at = at.astimezone(UTC).isoformat(timespec="milliseconds")
        review = {"label": label, "note": note, "reader": reader, "reviewed_at": reviewed_at}

        def replace_review(pipe: redis.client.Pipeline) -> dict[str, str]:
            values: dict[str, str] = pipe.hgetall(key)
            if not values:
                raise XrayMissing(xray_id)
            xray = read_hash(values)
            if xray.status != "done" or not xray.prediction:
                raise NotReviewable(xray_id)
            pipe.multi()
            # Also when only the answer to an earlier try was lost: that review is taken out again.
            if xray.review:
                _count(pipe, xray.prediction, xray.review, -1)
            _count(pipe, xray.prediction, review, 1)
            values["review"] = json.dumps(review)
            pipe.hset(key, "review", values["review"])
            pipe.zadd("xrays:reviewed", {xray_id: 0})
            return values

        return read_hash(self._redis.transaction(replace_review, key, value_from_callable=True))


def _count(
    pipe: redis.client.Pipeline, prediction: dict[str, Any], review: dict[str, Any], by: int
) -> None:
    year, week, _ = datetime.fromisoformat(review["reviewed_at"]).isocalendar()
    counts = f"reviews:{year}-W{week:02}"
    field = f"{prediction['model']} {prediction['decision']} {review['label']}"
    pipe.hincrby(counts, field, by)
    # The same moment at every change; a week that is long over goes again with the same command.
    monday = datetime.fromisocalendar(year, week, 1).replace(tzinfo=UTC)
    pipe.expireat(counts, monday + timedelta(weeks=1) + COUNTS_KEPT)
