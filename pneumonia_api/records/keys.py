"""Every Redis key of the service, and the functions that build them.

xray:ID                 hash, one record; its fields are those of `record.XrayRecord`
xrays                   sorted set of all ids; an id begins with its time, so they sort by time
xrays:status:STATUS     the same, by status
xrays:decision:DECISION the same, by decision
xrays:reviewed          the same, those with a review
reviews:WEEK            hash, reviews given in an ISO week (2026-W48), MODEL DECISION LABEL ->
                        count; expires after a year
batch                   hash of the files scored from archives: FINGERPRINT -> id
reuse:DIGEST:MODEL      id of a finished record with the same bytes and model version
lease:ID                token of the delivery that is judging the X-ray; expires after the worker
                        dies
begun:ID                set of the worker processes that began on it; expires after a day
published:ID            set when a stranded X-ray is published again; expires
finished:ID             stream that wakes the callers of `wait_finished`: the end state, and which
                        call of `finish` wrote it; expires
model                   hash, the model that the workers serve: version, and metadata as JSON
worker:NAME             heartbeat of a live, warm worker; expires when it stops
workers                 set of the names of all workers that ever started
lock:NAME               lock on a job that one worker does for all: republish, sweep; expires
user:NAME               hash of a person: password (argon2)
session:DIGEST          user name by digest of the session token; expires
sessions:NAME           set of a user's session digests
sent:DIGEST             id and digest of the upload sent with an idempotency key; expires
tries:NAME:NETWORK      set of a user's consecutive failed log-ins from one network; expires
tries-everywhere:NAME   the same from all networks; expires
known:NAME:NETWORK      set when the user has recently logged in from that network; expires
predict                 Celery's queue, a list that Celery writes; here it is only read
unacked                 Celery's hash of the tasks that workers hold; likewise
"""

QUEUE = "predict"
UNACKED = "unacked"
XRAYS = "xrays"
REVIEWED = "xrays:reviewed"
SCORED = "batch"
MODEL = "model"
WORKERS = "workers"


def xray(xray_id: str) -> str:
    """Hash of one record."""
    return f"xray:{xray_id}"


def status(name: str) -> str:
    """Index of the records with this status."""
    return f"xrays:status:{name}"


def decision(name: str) -> str:
    """Index of the records with this decision."""
    return f"xrays:decision:{name}"


def reviews(week: str) -> str:
    """Counts of the reviews of an ISO week, as in 2026-W48."""
    return f"reviews:{week}"


def reuse(digest: str, model_version: str) -> str:
    """The record whose prediction identical bytes reuse."""
    return f"reuse:{digest}:{model_version}"


def lease(xray_id: str) -> str:
    """Lease of the delivery that is judging the X-ray."""
    return f"lease:{xray_id}"


def begun(xray_id: str) -> str:
    """Processes that began on the X-ray."""
    return f"begun:{xray_id}"


def published(xray_id: str) -> str:
    """Mark of a stranded X-ray that was just published again."""
    return f"published:{xray_id}"


def finished(xray_id: str) -> str:
    """Stream that announces the end of an X-ray."""
    return f"finished:{xray_id}"


def worker(name: str) -> str:
    """Heartbeat of a worker."""
    return f"worker:{name}"


def lock(name: str) -> str:
    """Lock on a job that one worker does for all."""
    return f"lock:{name}"


def user(name: str) -> str:
    """A person's account."""
    return f"user:{name}"


def session(digest: str) -> str:
    """A session, by the digest of its token."""
    return f"session:{digest}"


def sessions(name: str) -> str:
    """All sessions of a user."""
    return f"sessions:{name}"


def sent(digest: str) -> str:
    """The upload that was sent with an idempotency key."""
    return f"sent:{digest}"


def tries(name: str, network: str) -> str:
    """Failed log-ins of a user from one network."""
    return f"tries:{name}:{network}"


def tries_everywhere(name: str) -> str:
    """Failed log-ins of a user from all networks."""
    return f"tries-everywhere:{name}"


def known(name: str, network: str) -> str:
    """Mark of a network from which the user has logged in."""
    return f"known:{name}:{network}"
