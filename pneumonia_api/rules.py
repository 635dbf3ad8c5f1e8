"""Who may call which route of the API: one table, and the one place that enforces it.

What is not in the table is refused to everybody but the holder of the site's own key
(`tests/pneumonia_api/test_rules.py` fails for such a route). What a caller may do to whose things,
such as withdraw their own reading alone, is in the routes.
"""

from dataclasses import dataclass

from apiflask import APIFlask
from flask import g, request
from flask.typing import ResponseReturnValue

from pneumonia_api.auth import bearer, find_current
from pneumonia_api.roles import Caller, Right, Role


class NotAllowed(PermissionError):
    """The caller's roles or rights do not allow the route."""


class FactorNeeded(NotAllowed):
    """The site requires a second factor, which the person has to set up first."""


class NotAnAdmin(NotAllowed):
    """The route is for admins only."""


@dataclass(frozen=True)
class Rule:
    """Who may call a route: people with one of `roles`, and programs with `right`.

    An `is_open` route needs no token. The site's own key may call every route.
    """

    roles: frozenset[Role] = frozenset()
    right: Right | None = None
    is_open: bool = False
    every_person: bool = False

    def allows(self, caller: Caller) -> bool:
        """Whether `caller` may call the route."""
        if self.is_open or caller.has_every_right:
            return True
        if not caller.is_person:
            return self.right is not None and self.right in caller.rights
        return self.every_person or bool(self.roles & caller.roles)


OPEN = Rule(is_open=True)
EVERY_PERSON = Rule(every_person=True)
NOBODY = Rule()


def _rule(*roles: Role, right: Right | None = None) -> Rule:
    return Rule(frozenset(roles), right)


READER = (Role.CLINICIAN, Role.LEAD)
READS = _rule(*READER, right=Right.READ)
REVIEWS = _rule(*READER, right=Right.REVIEW)
DELETES = _rule(Role.LEAD, right=Right.DELETE)
ADMINISTERS = _rule(Role.ADMIN)
CHOOSES_MODEL = _rule(Role.ML_ENGINEER, Role.ADMIN, right=Right.MODELS)
SETS_SITE = _rule(Role.ADMIN, right=Right.SITE)

RULES = {
    "GET /livez": OPEN,
    "GET /readyz": OPEN,
    "GET /openapi.json": OPEN,
    "POST /v1/sessions": OPEN,
    "POST /v1/sessions/second-factor": OPEN,
    "DELETE /v1/sessions/current": EVERY_PERSON,
    "PUT /v1/sessions/current/preferences": EVERY_PERSON,
    "PUT /v1/sessions/current/password": EVERY_PERSON,
    "GET /v1/sessions/current/second-factor": EVERY_PERSON,
    "POST /v1/sessions/current/second-factor": EVERY_PERSON,
    "PUT /v1/sessions/current/second-factor": EVERY_PERSON,
    "POST /v1/sessions/current/second-factor/removal": EVERY_PERSON,
    "POST /v1/xrays": _rule(*READER, right=Right.UPLOAD),
    "POST /dicomweb/studies": _rule(right=Right.UPLOAD),
    "GET /v1/xrays": READS,
    "GET /v1/xrays/<xray_id>": READS,
    "GET /v1/xrays/<xray_id>/preview": READS,
    "GET /v1/xrays/<xray_id>/thumbnail": READS,
    "GET /v1/xrays/<xray_id>/film": READS,
    "GET /v1/xrays/<xray_id>/report.pdf": READS,
    "GET /v1/xrays/<xray_id>/report.fhir.json": READS,
    "GET /v1/xrays/<xray_id>/report.csv": READS,
    "GET /v1/xrays/<xray_id>/report.sr.dcm": READS,
    "GET /v1/xrays/<xray_id>/report.sc.dcm": READS,
    "GET /v1/xrays/<xray_id>/report.gsps.dcm": READS,
    "GET /v1/xrays/<xray_id>/report.pm.dcm": READS,
    "POST /v1/xrays/<xray_id>/readings": REVIEWS,
    "POST /v1/xrays/<xray_id>/reopenings": _rule(Role.LEAD),
    "PUT /v1/xrays/<xray_id>/review": REVIEWS,
    "POST /v1/xrays/<xray_id>/outcomes": REVIEWS,
    "DELETE /v1/xrays/<xray_id>": DELETES,
    "POST /v1/xrays/<xray_id>/restore": DELETES,
    "GET /v1/deletions": DELETES,
    "GET /v1/model": _rule(*Role, right=Right.READ),
    "GET /v1/models": CHOOSES_MODEL,
    "POST /v1/models/candidate": CHOOSES_MODEL,
    "POST /v1/models/promotion": CHOOSES_MODEL,
    "POST /v1/models/return": CHOOSES_MODEL,
    "GET /v1/reviews.csv": _rule(Role.ML_ENGINEER, right=Right.STUDY),
    "GET /v1/reader-study": _rule(*Role, right=Right.STUDY),
    "GET /v1/site": _rule(*Role, right=Right.READ),
    "POST /v1/site/prevalence": SETS_SITE,
    "POST /v1/site/silent": SETS_SITE,
    "GET /v1/acceptance": _rule(Role.ADMIN, Role.ML_ENGINEER, right=Right.STUDY),
    "GET /v1/acceptance/report.pdf": _rule(Role.ADMIN, Role.ML_ENGINEER, right=Right.STUDY),
    "POST /v1/acceptance/plan": SETS_SITE,
    "GET /v1/acceptance/profiles": _rule(Role.ADMIN, Role.ML_ENGINEER, right=Right.STUDY),
    "POST /v1/acceptance/profiles": SETS_SITE,
    "POST /v1/acceptance/profile": SETS_SITE,
    "POST /v1/sessions/oidc": OPEN,
    "POST /v1/sessions/oidc/code": OPEN,
    "GET /v1/people": ADMINISTERS,
    "POST /v1/people": ADMINISTERS,
    "POST /v1/people/links": ADMINISTERS,
    "PUT /v1/people/roles": ADMINISTERS,
    "PUT /v1/people/disabled": ADMINISTERS,
    "POST /v1/people/ended-sessions": ADMINISTERS,
    "POST /v1/people/removed-factors": ADMINISTERS,
    "POST /v1/site/second-factor": ADMINISTERS,
    "GET /v1/audit": ADMINISTERS,
    "GET /v1/audit.csv": ADMINISTERS,
    "POST /v1/links": OPEN,
    "GET /v1/keys": ADMINISTERS,
    "POST /v1/keys": ADMINISTERS,
    "DELETE /v1/keys/<name>": ADMINISTERS,
}
"""By method and path; a HEAD is as its GET."""


def find_rule(method: str, path: str) -> Rule:
    """The rule of a route, whose path is a template such as `/v1/xrays/<xray_id>`."""
    return RULES.get(f"{'GET' if method == 'HEAD' else method} {path}", NOBODY)


def enforce_rules() -> ResponseReturnValue | None:
    """Before every request: find the caller, and refuse what the table does not allow.

    Raises NotAllowed.
    """
    g.pop("caller", None)
    if request.url_rule is None or request.method == "OPTIONS":
        return None  # no route: Flask answers 404, 405, or which methods there are
    rule = find_rule(request.method, request.url_rule.rule)
    if rule.is_open:
        return None
    if bearer.authenticate(bearer.get_auth(), None) is None:
        return bearer.auth_error_callback(401)
    if find_current().lacks_factor and not rule.every_person:
        raise FactorNeeded
    if not rule.allows(find_current()):
        raise NotAnAdmin if rule.roles == {Role.ADMIN} else NotAllowed
    return None


def register_rules(app: APIFlask) -> None:
    """Have `app` enforce the table."""
    app.before_request(enforce_rules)
