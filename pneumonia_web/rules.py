"""Who may open which page: one table, and the one place that enforces it.

The API decides for each of its routes; this keeps people away from pages that would only show its
refusal, and offers them no link to one. A page that is not in the table is refused to everybody
(`tests/pneumonia_web/test_rules.py` fails for such a page).
"""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, request, session, url_for
from flask.typing import ResponseReturnValue

from pneumonia_web.api_client import ApiError
from pneumonia_web.language import N_

CLINICIAN, LEAD, ML_ENGINEER, ADMIN = "clinician", "lead", "ml_engineer", "admin"

ROLES = {
    CLINICIAN: N_("Clinician"),
    LEAD: N_("Lead"),
    ML_ENGINEER: N_("ML engineer"),
    ADMIN: N_("Administrator"),
}
"""The roles of the API, in words."""


@dataclass(frozen=True)
class Rule:
    """Who may open a page: people with one of `roles`; everybody, logged in or not, if it
    `is_open`."""

    roles: frozenset[str] = frozenset()
    is_open: bool = False
    every_person: bool = False

    def allows(self, roles: frozenset[str]) -> bool:
        """Whether somebody who is logged in with these roles may open the page."""
        return self.is_open or self.every_person or bool(self.roles & roles)


OPEN = Rule(is_open=True)
EVERY_PERSON = Rule(every_person=True)
EVERY_ROLE = Rule(frozenset(ROLES))
READERS = Rule(frozenset({CLINICIAN, LEAD}))
LEADS = Rule(frozenset({LEAD}))
ADMINS = Rule(frozenset({ADMIN}))
ENGINEERS = Rule(frozenset({ML_ENGINEER, ADMIN}))
NOBODY = Rule()

PAGES = {
    "static": OPEN,
    "pages.livez": OPEN,
    "pages.log_in": OPEN,
    "pages.start_session": OPEN,
    "pages.end_session": OPEN,
    "factor.ask_code": OPEN,
    "factor.finish_log_in": OPEN,
    "provider.begin": OPEN,
    "provider.finish": OPEN,
    "joining.ask": OPEN,
    "joining.join": OPEN,
    "locking.ask_password": EVERY_PERSON,
    "locking.unlock": EVERY_PERSON,
    "locking.report_activity": EVERY_PERSON,
    "pages.start": EVERY_PERSON,
    "joining.ask_new": EVERY_PERSON,
    "joining.change": EVERY_PERSON,
    "factor.show": EVERY_PERSON,
    "factor.begin": EVERY_PERSON,
    "factor.confirm": EVERY_PERSON,
    "factor.remove": EVERY_PERSON,
    "preferences.show": EVERY_PERSON,
    "preferences.save": EVERY_PERSON,
    "pages.worklist": READERS,
    "pages.result": READERS,
    "pages.preview": READERS,
    "pages.thumbnail": READERS,
    "pages.film": READERS,
    "lists.open_next": READERS,
    "lists.export": READERS,
    "uploads.send": READERS,
    "readings.review": READERS,
    "reports.pdf": READERS,
    "reports.for_systems": READERS,
    "earlier.offer": READERS,
    "studies.confirm": READERS,
    "readings.reopen": LEADS,
    "deletions.delete": LEADS,
    "deletions.restore": LEADS,
    "deletions.list_deletions": LEADS,
    "about.show": EVERY_ROLE,
    "studies.show": EVERY_ROLE,
    "site.show": EVERY_ROLE,
    "site.save": ADMINS,
    "site.save_silence": ADMINS,
    "models.show": ENGINEERS,
    "models.act": ENGINEERS,
    "acceptance.show": Rule(frozenset({ADMIN, ML_ENGINEER})),
    "acceptance.pdf": Rule(frozenset({ADMIN, ML_ENGINEER})),
    "acceptance.write_plan": ADMINS,
    "factor.require": ADMINS,
    "acceptance.fit_profile": ADMINS,
    "acceptance.switch_profile": ADMINS,
    "people.show": ADMINS,
    "people.invite": ADMINS,
    "people.change": ADMINS,
    "audit.show": ADMINS,
    "audit.export": ADMINS,
    "keys.show": ADMINS,
    "keys.create": ADMINS,
    "keys.revoke": ADMINS,
}
"""By endpoint, for all methods that it has."""

HOMES = ("pages.worklist", "people.show", "site.show", "preferences.show")
"""Where somebody begins: the first that they may open."""

OF_BEFORE = frozenset({CLINICIAN, LEAD})
"""What everybody could do before there were roles: a session, or an API, of the last release."""


def find_roles() -> frozenset[str]:
    """The roles of who is logged in."""
    if "roles" in session:
        return frozenset(session["roles"])
    return frozenset(ROLES) if session.get("admin") else OF_BEFORE


def may(endpoint: str) -> bool:
    """Whether who is logged in may open a page, and so may be offered it."""
    return PAGES.get(endpoint, NOBODY).allows(find_roles())


def find_home() -> str:
    """The address where who is logged in begins."""
    return url_for(next((each for each in HOMES if may(each)), HOMES[-1]))


REFUSALS = {
    "not_an_admin": N_("Only an administrator of this site may do that."),
    "not_allowed": N_(
        "Your roles do not allow that; an administrator of this site can change them."
    ),
}


def serve_rules(app: Flask, ask_to_log_in: Callable[[], ResponseReturnValue]) -> None:
    """Have `app` enforce the table before every request, and its templates ask what to offer."""

    def enforce_rules() -> ResponseReturnValue | None:
        rule = PAGES.get(request.endpoint or "", NOBODY)
        if request.endpoint is None or rule.is_open:
            return None  # no page: Flask answers 404 or 405
        if "token" not in session:
            return ask_to_log_in()
        if not may(request.endpoint):
            code = "not_an_admin" if rule is ADMINS else "not_allowed"
            raise ApiError(403, code, REFUSALS[code])
        return None

    app.before_request(enforce_rules)
    app.jinja_env.globals.update(may=may, home=find_home)
