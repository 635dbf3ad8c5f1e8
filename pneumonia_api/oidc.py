"""The HTTP API, version 1: log in by the site's OpenID provider.

The web only carries what the browser brings: the code is exchanged and its token verified here, so
that no host but this one can open a session.
"""

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import current_app, request

from monitoring.logs.requests import note
from pneumonia_api import oidc_schemas, session_schemas
from pneumonia_api.audit.requests import name_caller
from pneumonia_api.provider_people import NotLetIn, ProviderPeople
from pneumonia_api.request import check_body, check_query
from pneumonia_api.sessions import describe_session

oidc = APIBlueprint("oidc", __name__, url_prefix="/v1/sessions/oidc", tag="V1")
oidc.before_request(check_body)
oidc.before_request(check_query)


class NoProvider(LookupError):
    """The site has no OpenID provider."""


def _people() -> ProviderPeople:
    people: ProviderPeople | None = current_app.extensions["provider_people"]
    if people is None:
        raise NoProvider
    return people


@oidc.post("")
@oidc.input(oidc_schemas.BeginningSchema, arg_name="beginning")
@oidc.output(oidc_schemas.BegunSchema, status_code=201)
@oidc.doc(
    responses={
        404: "`no_provider`: this site has none.",
        503: "`provider_away`: it does not answer.",
    }
)
def begin(beginning: dict[str, bool]) -> dict[str, str]:
    """Begin a log-in: the address of the provider, and the state that it will send back."""
    return asdict(_people().begin(again=beginning["again"]))


@oidc.post("/code")
@oidc.input(oidc_schemas.CodeSchema, arg_name="answer")
@oidc.output(session_schemas.SessionSchema, status_code=201)
@oidc.doc(
    responses={
        401: "`log_in_stale`: begun too long ago, finished already, or never begun.",
        403: "`provider_refused`, `token_refused`, `no_known_role`, `person_disabled` or "
        "`provider_factor_needed`.",
        404: "`no_provider`: this site has none.",
        503: "`provider_away`: it does not answer.",
    }
)
def finish(answer: dict[str, str]) -> dict[str, Any]:
    """Log in with the code that the provider sent back; each works once."""
    try:
        address = request.remote_addr or ""
        user, token = _people().finish(
            answer["state"], answer["code"], address, issuer=answer.get("iss")
        )
    except NotLetIn as error:
        name_caller(error.user)
        raise
    note(user=user)
    name_caller(user)
    return describe_session(user, token)
