"""What each call of the API is in the audit: one table.

Every route has a row, or a reason why it has none (`tests/pneumonia_api/audit/test_routes.py` fails
for one without). A new route that shows, changes or exports anything gets `seen` or `done`. A call
that was refused is recorded for every route.
"""

from dataclasses import dataclass

from pneumonia_api.audit.events import Action


@dataclass(frozen=True)
class Audited:
    """A call that is recorded.

    `about` names the field of the body, or the part of the address, that says whom or what it
    concerns; `detail` fields of the body that say what it was set to. A viewing that `repeats` is
    recorded once in REPEAT_SECONDS: pages ask again by themselves. What is `known_otherwise` is
    answered even if it cannot be recorded.
    """

    action: Action
    about: str = ""
    detail: tuple[str, ...] = ()
    repeats: bool = False
    known_otherwise: bool = False


@dataclass(frozen=True)
class Unaudited:
    """A call that is not recorded unless it is refused, and why."""

    reason: str


def seen(action: Action) -> Audited:
    """The row of a call that shows something and changes nothing."""
    return Audited(action, repeats=True)


def done(action: Action, about: str = "", *detail: str) -> Audited:
    """The row of any other call: each is recorded."""
    return Audited(action, about, detail)


PROBE = Unaudited("a machine asks whether the service works; it says nothing of anybody")
PUBLIC = Unaudited("the same for everybody, and nothing of an X-ray or a person")

_WANTED = ("who", "action", "xray", "since", "until")

UPLOADED = Audited(Action.UPLOAD, known_otherwise=True)
"""The record says who sent it and when, and what was accepted must not look refused."""

AUDITS: dict[str, Audited | Unaudited] = {
    "GET /livez": PROBE,
    "GET /readyz": PROBE,
    "GET /openapi.json": PUBLIC,
    "POST /v1/sessions": done(Action.LOG_IN),
    "POST /v1/sessions/second-factor": done(Action.LOG_IN),
    "POST /v1/sessions/oidc": Unaudited("where to log in; nobody is known yet"),
    "POST /v1/sessions/oidc/code": done(Action.LOG_IN),
    "DELETE /v1/sessions/current": done(Action.LOG_OUT),
    "PUT /v1/sessions/current/preferences": done(Action.SET_PREFERENCES),
    "PUT /v1/sessions/current/password": done(Action.CHANGE_PASSWORD),
    "GET /v1/sessions/current/second-factor": Unaudited("a person's own settings"),
    "POST /v1/sessions/current/second-factor": done(Action.BEGIN_FACTOR),
    "PUT /v1/sessions/current/second-factor": done(Action.CONFIRM_FACTOR),
    "POST /v1/sessions/current/second-factor/removal": done(Action.REMOVE_FACTOR),
    "POST /v1/xrays": UPLOADED,
    "POST /dicomweb/studies": UPLOADED,  # a line for each object
    "GET /v1/xrays": seen(Action.LIST_XRAYS),
    "GET /v1/xrays/<xray_id>": seen(Action.SEE_XRAY),
    "GET /v1/xrays/<xray_id>/preview": seen(Action.SEE_IMAGE),
    "GET /v1/xrays/<xray_id>/thumbnail": seen(Action.SEE_THUMBNAIL),
    "GET /v1/xrays/<xray_id>/film": seen(Action.SEE_FILM),
    "GET /v1/xrays/<xray_id>/report.pdf": done(Action.EXPORT_REPORT),
    "GET /v1/xrays/<xray_id>/report.fhir.json": done(Action.EXPORT_REPORT),
    "GET /v1/xrays/<xray_id>/report.csv": done(Action.EXPORT_REPORT),
    "GET /v1/xrays/<xray_id>/report.sr.dcm": done(Action.EXPORT_REPORT),
    "GET /v1/xrays/<xray_id>/report.sc.dcm": done(Action.EXPORT_REPORT),
    "GET /v1/xrays/<xray_id>/report.gsps.dcm": done(Action.EXPORT_REPORT),
    "GET /v1/xrays/<xray_id>/report.pm.dcm": done(Action.EXPORT_REPORT),
    "POST /v1/xrays/<xray_id>/readings": done(Action.READ),
    "PUT /v1/xrays/<xray_id>/review": done(Action.READ),
    "POST /v1/xrays/<xray_id>/reopenings": done(Action.REOPEN, "", "number"),
    "POST /v1/xrays/<xray_id>/outcomes": done(Action.CONFIRM_OUTCOME),
    "DELETE /v1/xrays/<xray_id>": done(Action.DELETE),
    "POST /v1/xrays/<xray_id>/restore": done(Action.RESTORE),
    "GET /v1/deletions": seen(Action.LIST_DELETED),
    "GET /v1/model": PUBLIC,
    "GET /v1/models": Unaudited("models and their figures, nothing of an X-ray or a person"),
    "POST /v1/models/candidate": Unaudited("a model is tried, and nothing changes"),
    "POST /v1/models/promotion": done(Action.SWITCH_MODEL, "version"),
    "POST /v1/models/return": done(Action.SWITCH_MODEL, "version"),
    "GET /v1/reviews.csv": done(Action.EXPORT_LABELS),
    "GET /v1/reader-study": seen(Action.SEE_READER_STUDY),
    "GET /v1/site": PUBLIC,
    "POST /v1/site/prevalence": done(Action.SET_PREVALENCE, "", "percent"),
    "POST /v1/site/silent": done(Action.SET_SILENT, "", "silent"),
    "GET /v1/acceptance": seen(Action.SEE_ACCEPTANCE),
    "GET /v1/acceptance/report.pdf": done(Action.EXPORT_ACCEPTANCE),
    "POST /v1/acceptance/plan": done(Action.WRITE_PLAN),
    "GET /v1/acceptance/profiles": seen(Action.SEE_ACCEPTANCE),
    "POST /v1/acceptance/profiles": done(Action.FIT_PROFILE),
    "POST /v1/acceptance/profile": done(Action.SWITCH_PROFILE, "profile"),
    "GET /v1/people": seen(Action.LIST_PEOPLE),
    "POST /v1/people": done(Action.INVITE, "user", "roles"),
    "POST /v1/people/links": done(Action.MAKE_LINK, "user"),
    "PUT /v1/people/roles": done(Action.SET_ROLES, "user", "roles"),
    "PUT /v1/people/disabled": done(Action.SET_DISABLED, "user", "disabled"),
    "POST /v1/people/ended-sessions": done(Action.END_SESSIONS, "user", "session"),
    "POST /v1/people/removed-factors": done(Action.REMOVE_FACTOR, "user"),
    "POST /v1/site/second-factor": done(Action.REQUIRE_FACTOR, "", "required"),
    "GET /v1/audit": Audited(Action.SEE_AUDIT, detail=_WANTED, repeats=True),
    "GET /v1/audit.csv": done(Action.EXPORT_AUDIT, "", *_WANTED),
    "POST /v1/links": done(Action.CHOOSE_PASSWORD),
    "GET /v1/keys": seen(Action.LIST_KEYS),
    "POST /v1/keys": done(Action.CREATE_KEY, "name", "rights"),
    "DELETE /v1/keys/<name>": done(Action.REVOKE_KEY, "name"),
}
"""By method and path, as `rules.RULES`; a HEAD is as its GET."""

FORGOTTEN = Audited(Action.CALL)
"""What a route without a row counts as, until somebody adds one."""


def find_audit(method: str, path: str) -> Audited | Unaudited:
    """The row of a route, whose path is a template such as `/v1/xrays/<xray_id>`."""
    return AUDITS.get(f"{'GET' if method == 'HEAD' else method} {path}", FORGOTTEN)
