"""Every Redis key of the service, in one place.

xray:ID                 hash, one record (its fields are those of `XrayRecord`)
xrays                   sorted set of all ids; ids begin with their time, so the order is by time
xrays:status:STATUS     the same, by status; xrays:decision:DECISION likewise
xrays:reviewed          the same, those with a review
reviews:WEEK            hash, reviews given in an ISO week (2026-W48): MODEL DECISION LABEL -> how
                        many; expires after a year
batch                   hash of the files scored from folders: NAME of bytes and model -> id
reuse:DIGEST:MODEL      id of a finished record with the same bytes and model
lease:ID                the delivery that a living worker is at; it expires when the worker has died
begun:ID                set of the worker processes that began on it; expires after a day
published:ID            it was published again a moment ago; expires
finished:ID             stream that wakes whoever waits for the end: how it ended, and by which call
                        of `finish`; expires
model                   hash, what the workers run: version, and metadata as JSON
worker:NAME             a worker that is alive and warm; expires when its heartbeat stops
workers                 set of the names of all workers that ever were
lock:NAME               a worker's turn at what one of all does: republish, sweep; expires
user:NAME               hash of a person: password (argon2)
session:DIGEST          a person's name, by the digest of the session token; expires
sessions:NAME           set of a person's session digests
sent:DIGEST             id and digest of the upload that came with an idempotency key; expires
tries:NAME:ADDRESS      set of the log-ins that a person tried in a row from an address; expires
tries-everywhere:NAME   the same from all addresses; expires
known:NAME:ADDRESS      a person logged in from there lately; expires
predict                 Celery's queue (a list that Celery writes; here it is only counted)
unacked                 Celery's hash of the tasks in workers' hands; likewise
"""

import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import redis

QUEUE = "predict"
IN_HANDS = "unacked"
TASK = "predict_xray"
HEARTBEAT_SECONDS = 10
ANNOUNCED_SECONDS = 60  # above the longest wait
BLOCK_SECONDS = 3  # below the socket timeout, so that a Redis that hangs is noticed
BATCH_SOURCE = "batch"
"""The source of records that were made from a folder."""

STATUSES = ("queued", "done", "rejected", "failed")
DECISIONS = ("pneumonia", "normal")
INDEXES = (
    "xrays",
    "xrays:reviewed",
    *(f"xrays:status:{status}" for status in STATUSES),
    *(f"xrays:decision:{decision}" for decision in DECISIONS),
)


class XrayMissing(LookupError):
    """No record with this id."""


@dataclass(frozen=True)
class XrayRecord:
    """The record of one uploaded image; `prediction` and `quality` are filled when it is done."""

    id: str
    status: str
    source: str
    created_at: str
    digest: str
    reference: str = ""
    prediction: dict[str, Any] | None = None
    quality: dict[str, Any] | None = None
    reason: str | None = None
    review: dict[str, Any] | None = None


_JSON_FIELDS = ("prediction", "quality", "review")


def new_xray(source: str, digest: str, reference: str = "", ending: str = "") -> XrayRecord:
    """A queued record with a fresh id: 12 hexadecimal digits of time, 20 that nobody guesses.

    Those 20 are `ending` where it is given; see `name_batch`.
    """
    now = time.time()
    xray_id = f"{int(now * 1000):012x}{ending or secrets.token_hex(10)}"
    created_at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    return XrayRecord(xray_id, "queued", source, created_at, digest, reference)


def as_judged(xray: XrayRecord, prediction: dict[str, Any], warnings: Sequence[str]) -> XrayRecord:
    """The record with its prediction, or with the reason why the image is not to be judged.

    `prediction` also has `ood`, `refusal` and `warning`, which the record keeps as its quality.
    """
    record = dict(prediction)
    ood, refusal, warning = (record.pop(name) for name in ("ood", "refusal", "warning"))
    said = [sentence for sentence in (refusal, warning, *warnings) if sentence]
    quality = {"ok": not said, "warnings": said, "ood": ood}
    if refusal:
        return replace(xray, status="rejected", reason=refusal, quality=quality)
    return replace(xray, status="done", prediction=record, quality=quality)


def name_batch(digest: str, model: str) -> str:
    """The last 20 digits of the id of a file scored from a folder, from its bytes and the model."""
    return hashlib.sha256(f"batch:{digest}:{model}".encode()).hexdigest()[:20]


class XrayStore:
    """Records and their indexes. A change of a record and of its indexes is one transaction."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def add(self, xray: XrayRecord) -> None:
        """Store a new record, whatever its status."""
        with self._redis.pipeline() as pipe:
            self.stage(pipe, xray)
            pipe.execute()

    def stage(self, pipe: redis.client.Pipeline, xray: XrayRecord) -> None:
        """Have a new record stored by the transaction of `pipe`."""
        self._put(pipe, xray)
        pipe.zadd("xrays", {xray.id: 0})

    def add_batch(self, xrays: Sequence[XrayRecord]) -> list[XrayRecord]:
        """Store new records of scored files, all in one transaction with the marks of the files.

        Returns those that were left out, because another run has stored the same file.
        """
        names = [xray.id[12:] for xray in xrays]
        if not xrays:
            return []

        def add_new(pipe: redis.client.Pipeline) -> list[XrayRecord]:
            marks = pipe.hmget("batch", names)
            pipe.multi()
            for xray, name, mark in zip(xrays, names, marks, strict=True):
                if mark is None:
                    self._put(pipe, xray)
                    pipe.zadd("xrays", {xray.id: 0})
                    pipe.hset("batch", name, xray.id)
            # Its own mark: an earlier try was carried out, and only the answer was lost.
            both = zip(xrays, marks, strict=True)
            return [xray for xray, mark in both if mark not in (None, xray.id)]

        return list(self._redis.transaction(add_new, "batch", value_from_callable=True))

    def find_batch(self, names: Sequence[str]) -> list[str | None]:
        """The id of the record of each `name_batch`, None for a file that was not scored yet."""
        return list(self._redis.hmget("batch", list(names))) if names else []

    def get(self, xray_id: str) -> XrayRecord:
        """One record. Raises XrayMissing."""
        values = self._redis.hgetall(f"xray:{xray_id}")
        if not values:
            raise XrayMissing(xray_id)
        return read_hash(values)

    def exists(self, xray_id: str) -> bool:
        """Whether there is such a record."""
        return bool(self._redis.exists(f"xray:{xray_id}"))

    def finish(self, xray: XrayRecord) -> bool:
        """Replace a queued record by its end state and announce it.

        False, and nothing is written, when the record was deleted or finished meanwhile. Returns
        only what was read: when the connection ends on the way, the status is read again.
        """
        key, call = f"xray:{xray.id}", secrets.token_hex(8)

        def end(pipe: redis.client.Pipeline) -> bool:
            if pipe.hget(key, "status") != "queued":
                # An earlier try of this call may have been carried out without its answer.
                entries = pipe.xrange(f"finished:{xray.id}")
                return any(entry.get("call") == call for _, entry in entries)
            pipe.multi()
            pipe.zrem("xrays:status:queued", xray.id)
            pipe.delete(f"begun:{xray.id}", f"lease:{xray.id}")
            self._put(pipe, xray)
            self._announce_end(pipe, xray.id, xray.status, call)
            return True

        return bool(self._redis.transaction(end, key, value_from_callable=True))

    def delete(self, xray: XrayRecord) -> None:
        """Forget a record and every index entry of it, whatever it has become since it was read."""
        key = f"xray:{xray.id}"

        def forget(pipe: redis.client.Pipeline) -> None:
            keys = [key, *(f"{name}:{xray.id}" for name in ("begun", "lease", "published"))]
            values = pipe.hgetall(key)
            now = read_hash(values) if values else xray
            if now.prediction:
                reuse = _reuse_key(now.digest, now.prediction["model"])
                pipe.watch(reuse)
                if pipe.get(reuse) == xray.id:  # else a later record has the same bytes
                    keys.append(reuse)
            pipe.multi()
            pipe.delete(*keys)
            for index in INDEXES:
                pipe.zrem(index, xray.id)
            pipe.hdel("batch", xray.id[12:])
            self._announce_end(pipe, xray.id, "deleted")

        self._redis.transaction(forget, key)

    def find_same(self, digest: str) -> XrayRecord | None:
        """A finished record of identical bytes under the model that the workers run now."""
        model = self._redis.hget("model", "version")
        xray_id = self._redis.get(_reuse_key(digest, model)) if model else None
        try:
            return self.get(xray_id) if xray_id else None
        except XrayMissing:
            return None

    def count(self, status: str) -> int:
        """How many records have this status."""
        return int(self._redis.zcard(f"xrays:status:{status}"))

    def is_empty(self) -> bool:
        """Whether there is no record at all."""
        return not self._redis.exists("xrays")

    def read_statuses(self, xray_ids: list[str]) -> dict[str, str]:
        """The statuses of those that have a record."""
        found: dict[str, str] = {}
        for start in range(0, len(xray_ids), 1000):
            some = xray_ids[start : start + 1000]
            with self._redis.pipeline(transaction=False) as pipe:
                for xray_id in some:
                    pipe.hget(f"xray:{xray_id}", "status")
                answers = zip(some, pipe.execute(), strict=True)
            found.update({xray_id: status for xray_id, status in answers if status})
        return found

    def take_turn(self, name: str, seconds: int) -> bool:
        """Whether this caller, of all workers, has the turn for the next `seconds`."""
        key, caller = f"lock:{name}", secrets.token_hex(8)
        with self._redis.pipeline() as pipe:  # carried out twice, it gives the same answer
            pipe.set(key, caller, nx=True, ex=seconds)
            pipe.get(key)
            return bool(pipe.execute()[1] == caller)

    def count_tasks(self) -> int:
        """How many tasks wait in the queue for a worker."""
        return int(self._redis.llen(QUEUE))

    def wait_finished(self, xray_id: str, seconds: float) -> XrayRecord:
        """The record once it is not queued, or as it is after `seconds`. Raises XrayMissing."""
        end = time.monotonic() + seconds
        xray = self.get(xray_id)
        while xray.status == "queued" and (left := end - time.monotonic()) > 0:
            # Read from the stream's start: an end since `get` is not missed, and all may wait.
            block = int(min(left, BLOCK_SECONDS) * 1000) + 1
            self._redis.xread({f"finished:{xray_id}": "0"}, count=1, block=block)
            xray = self.get(xray_id)
        return xray

    def announce_model(self, metadata: dict[str, Any]) -> None:
        """Publish what the workers run: `version` and the artifact's metadata."""
        values = {"version": metadata["version"], "metadata": json.dumps(metadata)}
        self._redis.hset("model", mapping=values)

    def get_model(self) -> dict[str, Any] | None:
        """What `announce_model` wrote last, or None when no worker ever started."""
        text = self._redis.hget("model", "metadata")
        return json.loads(text) if text else None

    def beat(self, worker: str) -> None:
        """Say that a worker with a warm model is alive."""
        with self._redis.pipeline() as pipe:
            pipe.set(f"worker:{worker}", int(time.time()), ex=HEARTBEAT_SECONDS)
            pipe.sadd("workers", worker)
            pipe.execute()

    def stop_beating(self, worker: str) -> None:
        """Say that a worker has gone."""
        with self._redis.pipeline() as pipe:
            pipe.delete(f"worker:{worker}")
            pipe.srem("workers", worker)
            pipe.execute()

    def has_worker(self) -> bool:
        """Whether a warm worker is alive. Asks Redis, so it raises RedisError when that is not."""
        return self.count_workers() > 0

    def count_workers(self) -> int:
        """How many warm workers are alive; by name, for looking through all keys takes long."""
        names = self._redis.smembers("workers")
        return int(self._redis.exists(*(f"worker:{name}" for name in names))) if names else 0

    @staticmethod
    def _announce_end(pipe: redis.client.Pipeline, xray_id: str, how: str, call: str = "") -> None:
        pipe.xadd(f"finished:{xray_id}", {"how": how, "call": call})
        pipe.expire(f"finished:{xray_id}", ANNOUNCED_SECONDS)

    @staticmethod
    def _put(pipe: redis.client.Pipeline, xray: XrayRecord) -> None:
        values = {name: value for name, value in asdict(xray).items() if value is not None}
        for name in _JSON_FIELDS:
            if name in values:
                values[name] = json.dumps(values[name])
        pipe.hset(f"xray:{xray.id}", mapping=values)
        for index in _indexes(xray):
            pipe.zadd(index, {xray.id: 0})
        if xray.prediction:
            pipe.set(_reuse_key(xray.digest, xray.prediction["model"]), xray.id)


def _indexes(xray: XrayRecord) -> list[str]:
    found = [f"xrays:status:{xray.status}"]
    if xray.prediction:
        found.append(f"xrays:decision:{xray.prediction['decision']}")
    if xray.review:
        found.append("xrays:reviewed")
    return found


def _reuse_key(digest: str, model: str) -> str:
    return f"reuse:{digest}:{model}"


def read_hash(values: dict[str, str]) -> XrayRecord:
    """A record from its hash, which must not be empty; fields that are not known are left out."""
    known = {f.name for f in fields(XrayRecord)}
    parsed: dict[str, Any] = {name: value for name, value in values.items() if name in known}
    for name in _JSON_FIELDS:
        if name in parsed:
            parsed[name] = json.loads(parsed[name])
    return XrayRecord(**parsed)
