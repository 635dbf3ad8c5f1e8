"""Whether an ID token is the provider's answer to this log-in: OpenID Connect Core, 3.1.3.7."""

import warnings
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
"""Signatures that need a private key, which only the provider has: neither `none`, nor HMAC, whose
key a forger could take from the published ones."""

LEEWAY_SECONDS = 60
"""By which the provider's clock may differ."""

MAX_SUBJECT = 255
"""Characters, the most that OpenID Connect allows."""


class TokenRefused(PermissionError):
    """The token is not what the provider would answer to this log-in; `str()` says what is wrong,
    without any value of it."""


@dataclass(frozen=True)
class Expected:
    """What a token must say. `since`, in seconds of the epoch, is when the person must have logged
    in at the earliest, None if an earlier log-in will do."""

    issuer: str
    client_id: str
    nonce: str
    access_token: Any
    since: int | None


def verify_id_token(raw: str, keys: KeySet, expected: Expected) -> dict[str, Any]:
    """The claims of the token `raw`. Raises TokenRefused."""
    registry = JWSRegistry(algorithms=[*ALGORITHMS], strict_check_header=False)
    options: Any = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
    }
    params = {
        "nonce": expected.nonce,
        "client_id": expected.client_id,
        "access_token": expected.access_token,
        "max_age": expected.since,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EdDSA is the older name of Ed25519
            token = jwt.decode(raw, keys, registry=registry)
        claims = CodeIDToken(token.claims, token.header, options, params)
        claims.validate(leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(type(error).__name__) from error
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise TokenRefused("sub")
    if expected.since is not None and claims["auth_time"] < expected.since - LEEWAY_SECONDS:
        raise TokenRefused("auth_time")
    return dict(claims)
