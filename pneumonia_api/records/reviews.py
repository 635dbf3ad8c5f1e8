"""Appends clinicians' readings to judged X-rays, and counts how often they agree with the model."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.indexes import move
from pneumonia_api.records.moments import write_time
from pneumonia_api.records.outbox import Outbox
from pneumonia_api.records.readings import (
    WITHDRAWN,
    ReadingRecord,
    find_blind_readings,
    find_review,
    mark_standing,
    write_readings,
)
from pneumonia_api.records.record import (
    DECISIONS,
    PredictionRecord,
    XrayMissing,
    XrayRecord,
    read_hash,
    write_hash,
)

LABELS = (*DECISIONS, "unsure")
MAX_NOTE = 200
"""Characters; one line next to the result, not a report."""

MAX_READINGS = 100
"""Entries of one X-ray, far more than people make: a page of the worklist reads all of them."""

COUNTS_KEPT = timedelta(weeks=53)
"""After the end of their week, so that it can be compared with the same week a year later."""

KEY_DIGITS = 16
"""Of the digest of an idempotency key: enough to tell the entries of one X-ray apart."""


class NotReviewable(RuntimeError):
    """The record has no prediction to review."""


class ReadMeanwhile(RuntimeError):
    """The X-ray has an entry that the sender had not seen."""


class NothingToWithdraw(RuntimeError):
    """The entry takes back a reading that does not stand, or is another reader's."""


class ReadingKeyReused(RuntimeError):
    """The idempotency key was sent before with another reading."""


class TooManyReadings(RuntimeError):
    """The X-ray has MAX_READINGS entries; they can still be withdrawn."""


@dataclass(frozen=True)
class NewReading:
    """An entry as sent: a label of LABELS or WITHDRAWN.

    `seen` is the number of entries that the reader was shown; None appends after any others. `key`
    is the sender's idempotency key. See `ReadingRecord` for the rest.
    """

    label: str
    note: str = ""
    seen: int | None = None
    ai: str | None = None
    undoes: int | None = None
    reopens: int | None = None
    seconds: float | None = None
    key: str | None = None


class Reviews:
    """Appends readings."""

    def __init__(self, client: redis.Redis, outbox: Outbox | None = None) -> None:
        """With an `outbox`, the result of each X-ray that is read goes to the PACS."""
        self._redis = client
        self._outbox = outbox

    def put(self, xray_id: str, *, label: str, note: str, reader: str, at: datetime) -> XrayRecord:
        """Append a reading after any others, unless it repeats the last entry of its reader.

        Raises XrayMissing, NotReviewable or TooManyReadings.
        """
        return self.append(xray_id, NewReading(label, note), reader=reader, at=at)

    def append(self, xray_id: str, new: NewReading, *, reader: str, at: datetime) -> XrayRecord:
        """Append an entry, and return the record with it.

        Entry, review, indexes and the counts of the week of `at` change in one transaction, so the
        counts are exact. They count the last reading that stands: one that no longer does is
        subtracted from the week in which it was counted. Changes of mind are counted likewise, in
        the week of the reading without the AI result. Deleting the record later does not change the
        counts: they describe model and readers, not the patient.

        Sent again with the same key, an entry is not appended again. Raises XrayMissing;
        NotReviewable when the record is not done; ReadMeanwhile; NothingToWithdraw;
        ReadingKeyReused; TooManyReadings.
        """
        key = keys.xray(xray_id)
        # A key in any case: after a lost reply, a second attempt finds the entry of the first.
        secret = f"{reader}\n{new.key or secrets.token_hex(16)}"
        digest = hashlib.sha256(secret.encode()).hexdigest()[:KEY_DIGITS]
        reviewed_at = write_time(at)

        def append(pipe: redis.client.Pipeline) -> XrayRecord:
            values = pipe.hgetall(key)
            xray = read_hash(values) if values else None
            if xray is None or xray.deletion:
                raise XrayMissing(xray_id)
            if xray.status != "done" or not xray.prediction:
                raise NotReviewable(xray_id)
            entry = ReadingRecord(
                label=new.label,
                note=new.note,
                reader=reader,
                reviewed_at=reviewed_at,
                number=len(xray.readings) + 1,
                model=xray.prediction.model,
                ai=new.ai,
                undoes=new.undoes,
                reopens=new.reopens,
                seconds=new.seconds,
                key=digest,
            )
            if _is_sent_again(entry, xray.readings, new.seen):
                return xray
            _check(entry, xray.readings, new.seen)
            readings = mark_standing((*xray.readings, entry))
            read = replace(xray, readings=readings, review=find_review(readings))
            pipe.multi()
            # All entries: the first may be known by the `review` of the previous release alone.
            pipe.hset(key, mapping=write_readings(readings))
            if read.review:
                pipe.hset(key, "review", write_hash(read)["review"])
            else:
                pipe.hdel(key, "review")
            for review, by in ((xray.review, -1), (read.review, 1)):
                if review:
                    _count(
                        pipe, keys.reviews, xray.prediction, review.reviewed_at, by, review.label
                    )
            earlier, now = find_blind_readings(xray.readings), find_blind_readings(readings)
            for blind, by in ((earlier - now, -1), (now - earlier, 1)):
                for each in blind:
                    labels = (each.before, each.after)
                    _count(pipe, keys.blind, xray.prediction, each.reviewed_at, by, *labels)
            move(pipe, xray, read)
            if self._outbox and (sending := self._outbox.stage(pipe, read)):
                return replace(read, transmission=sending)
            return read

        stored: XrayRecord = self._redis.transaction(append, key, value_from_callable=True)
        return stored


def _is_sent_again(
    entry: ReadingRecord, readings: tuple[ReadingRecord, ...], seen: int | None
) -> bool:
    """Whether the X-ray has this entry by its key; without `seen`, also by its content.

    Raises ReadingKeyReused.
    """
    said = _name_content(entry)
    for each in readings:
        if each.key == entry.key:
            if _name_content(each) != said:
                raise ReadingKeyReused
            return True
    if seen is not None or not readings:
        return False
    last = readings[-1]
    return last.stands and _name_content(last) == said


def _name_content(entry: ReadingRecord) -> tuple[object, ...]:
    return entry.reader, entry.label, entry.note, entry.undoes, entry.reopens


def _check(entry: ReadingRecord, readings: tuple[ReadingRecord, ...], seen: int | None) -> None:
    """Refuse an entry made in ignorance of others, or one that takes back what it cannot."""
    if seen is not None and seen != len(readings):
        raise ReadMeanwhile
    if entry.label != WITHDRAWN:
        if len(readings) >= MAX_READINGS:
            raise TooManyReadings
        return
    if entry.reopens is not None:
        others = [each for each in readings if each.stands and each.reader != entry.reader]
        may = entry.reopens in [each.number for each in others]
    elif entry.undoes is None:
        may = any(each.stands and each.reader == entry.reader for each in readings)
    else:
        last = readings[-1:]
        may = [(entry.undoes, entry.reader, None)] == [(e.number, e.reader, e.undoes) for e in last]
    if not may:
        raise NothingToWithdraw


def _count(
    pipe: redis.client.Pipeline,
    key: Callable[[str], str],
    prediction: PredictionRecord,
    reviewed_at: str,
    by: int,
    *labels: str,
) -> None:
    year, week, _ = datetime.fromisoformat(reviewed_at).isocalendar()
    counts = key(f"{year}-W{week:02}")
    pipe.hincrby(counts, " ".join((prediction.judge, prediction.decision, *labels)), by)
    # Every change sets the same expiry; for a week long past, that deletes the key again at once.
    monday = datetime.fromisocalendar(year, week, 1).replace(tzinfo=UTC)
    pipe.expireat(counts, monday + timedelta(weeks=1) + COUNTS_KEPT)
