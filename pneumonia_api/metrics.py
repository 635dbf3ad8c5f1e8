"""The API's metrics; every name begins with `pneumonia_`, and no label identifies a person."""

from flask import Response, g, request
from prometheus_client import Counter

from monitoring.metrics.requests import RequestMetrics

REQUESTS = RequestMetrics("api")
UPLOADS = Counter(
    "pneumonia_api_uploads_total",
    "X-rays sent: accepted, reused (judged before), refused (the sender's fault, 4xx) or "
    "unavailable (ours, 5xx).",
    ("outcome",),
)
LOG_INS = Counter(
    "pneumonia_api_log_ins_total",
    "Log-ins tried: ok, wrong_password (also a wrong code) or locked_out.",
    ("outcome",),
)
AUDIT_FAILURES = Counter(
    "pneumonia_api_audit_failures_total",
    "Calls that could not be recorded in the audit, and were answered with 503 for that.",
)
UPLOAD_ROUTES = ("v1.create_xray", "dicomweb.store_instances")
LOG_IN_ROUTES = ("sessions.log_in", "sessions.finish_log_in")
LOG_IN_OUTCOMES = {201: "ok", 401: "wrong_password", 429: "locked_out"}
PROVIDER_LOG_INS = Counter(
    "pneumonia_api_provider_log_ins_total",
    "Log-ins by the OpenID provider: ok, refused (its answer, or the person) or away.",
    ("outcome",),
)
PROVIDER_ROUTES = ("oidc.begin", "oidc.finish")

# Start each series at 0: Prometheus sees no increase in a series that begins with its first count.
for _outcome in ("accepted", "reused", "refused", "unavailable"):
    UPLOADS.labels(_outcome)
for _outcome in LOG_IN_OUTCOMES.values():
    LOG_INS.labels(_outcome)
for _outcome in ("ok", "refused", "away"):
    PROVIDER_LOG_INS.labels(_outcome)


def mark_reused() -> None:
    """Mark the current upload as answered by an earlier prediction."""
    g.reused = True


def count_outcome(response: Response) -> Response:
    """Count uploads and log-ins by the status of their answer."""
    status = response.status_code
    if request.endpoint in UPLOAD_ROUTES and request.method == "POST":
        if status >= 500:
            outcome = "unavailable"
        elif status >= 400:
            outcome = "refused"
        else:
            outcome = "reused" if "reused" in g else "accepted"
        UPLOADS.labels(outcome).inc()
    elif request.endpoint in PROVIDER_ROUTES:
        if status == 503:
            PROVIDER_LOG_INS.labels("away").inc()
        elif request.endpoint == "oidc.finish" and status in (201, 401, 403):
            PROVIDER_LOG_INS.labels("ok" if status == 201 else "refused").inc()
    elif request.endpoint in LOG_IN_ROUTES and status in LOG_IN_OUTCOMES:
        LOG_INS.labels(LOG_IN_OUTCOMES[status]).inc()
    return response
