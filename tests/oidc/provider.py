"""An OpenID provider of PyPI on loopback: `python -W ignore -m tests.oidc.provider PORT`.

The provider is `oidc-provider-mock`. What it lacks stands in front of it: it checks PKCE, says
which second factor somebody used, and lies on demand (`PUT /lie`): a token with other claims, or
signed otherwise.
"""

import base64
import hashlib
import hmac
import io
import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
from joserfc import jwk, jwt
from werkzeug.serving import make_server
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

KEY = jwk.RSAKey.generate_key(2048, {"kid": "published", "use": "sig"}, private=True)
OTHER = jwk.RSAKey.generate_key(2048, {"kid": "published", "use": "sig"}, private=True)

Sign = Callable[[dict[str, Any]], str]


def encode(value: object) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def decode(token: str) -> dict[str, Any]:
    """The claims of a token, unverified."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def sign_by(key: Any, algorithm: str = "RS256") -> Sign:
    """How a token is signed."""
    header = {"alg": algorithm, "kid": "published"}
    return lambda claims: jwt.encode(header, claims, key, algorithms=[algorithm])


def sign_by_published(claims: dict[str, Any]) -> str:
    """The classic confusion: the published key as the secret of an HMAC."""
    text = f"{encode({'alg': 'HS256', 'kid': 'published'})}.{encode(claims)}"
    digest = hmac.digest(KEY.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


SIGNATURES: dict[str, Sign] = {
    "own": sign_by(KEY),
    "other": sign_by(OTHER),
    "none": lambda claims: f"{encode({'alg': 'none'})}.{encode(claims)}.",
    "hmac": sign_by_published,
    "garbage": lambda claims: "not.a.token",
}


class Provider:
    """The provider with what stands in front of it; one for each process."""

    def __init__(self) -> None:
        self.app = oidc_provider_mock.app()
        self.challenges: dict[str, str] = {}
        self.lie: dict[str, Any] = {}
        self.logged_in: dict[str, float] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The WSGI application."""
        request = Request(environ)
        return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        """What is asked of this, or the provider's answer, changed."""
        if request.path == "/lie":
            self.lie = request.get_json()
            return Response(status=204)
        if self.lie.get("status"):
            return Response("<h1>broken</h1>", status=self.lie["status"])
        if request.path == "/jwks":
            return answer_json({"keys": [KEY.as_dict(private=False)]})
        return self.pass_on(request)

    def pass_on(self, request: Request) -> Response:
        """As the provider answers, but for tokens and its own description."""
        body = request.get_data()
        if request.path == "/oauth2/token" and not self.proves(request):
            return answer_json({"error": "invalid_grant"}, 400)
        answer = Client(self.app).open(request.environ | {"wsgi.input": io.BytesIO(body)})
        if request.path == "/oauth2/authorize" and answer.location:
            self.remember(request, answer.location)
        found: dict[str, Any] = answer.get_json(silent=True) or {}
        if request.path == "/.well-known/openid-configuration":
            return answer_json({**found, **self.lie.get("metadata", {})})
        if request.path == "/oauth2/token" and answer.status_code == 200:
            token = found.pop("id_token")
            if self.lie.get("sign") == "missing":
                return answer_json(found)
            return answer_json({**found, "id_token": self.sign(token)})
        return Response(answer.data, answer.status_code, answer.headers)

    def remember(self, request: Request, location: str) -> None:
        """The challenge that a code was given for."""
        for code in parse_qs(urlsplit(location).query).get("code", []):
            assert request.args["code_challenge_method"] == "S256"
            self.challenges[code] = request.args["code_challenge"]

    def proves(self, request: Request) -> bool:
        """Whether who redeems a code is who began the log-in (RFC 7636, 4.6)."""
        verifier = request.form.get("code_verifier", "").encode()
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        return self.challenges.get(request.form.get("code", "")) == digest

    def sign(self, token: str) -> str:
        """The token as asked for by `/lie`."""
        claims = {"auth_time": int(time.time()), **decode(token)}
        claims.pop("at_hash", None)
        claims.update(self.lie.get("claims", {}))
        shift = self.lie.get("seconds", 0)
        for name in ("exp", "iat") if shift else ():
            claims[name] += shift
        kept = {name: value for name, value in claims.items() if value is not None}
        return SIGNATURES[self.lie.get("sign", "own")](kept)


def answer_json(found: object, status: int = 200) -> Response:
    """An object as JSON."""
    return Response(json.dumps(found), status, mimetype="application/json")


if __name__ == "__main__":
    server = make_server("127.0.0.1", int(sys.argv[1]), Provider(), threaded=True)
    print("ready", flush=True)
    server.serve_forever()
