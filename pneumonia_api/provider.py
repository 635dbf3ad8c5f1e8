"""The site's OpenID provider, which says who somebody is: its addresses, a code, a verified token.

OpenID Connect Core 1.0, authorization code flow with PKCE (RFC 7636). Nothing of an answer is
believed but an ID token whose signature, issuer, audience, times and nonce are right.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pneumonia_api.id_tokens import Expected, TokenRefused, verify_id_token
from pneumonia_api.roles import Role

WELL_KNOWN = "/.well-known/openid-configuration"

TIMEOUT = (3, 5)
"""Seconds to connect, and to wait for each part of an answer."""

BLOCK_BYTES = 64 * 1024

ANSWER_BYTES = 512 * 1024
"""Far above any list of keys."""

METADATA_SECONDS = 300
"""For so long the provider's addresses are remembered; its keys are read for each log-in."""

MAX_CALLS = 8
"""Log-ins that one process lets wait for the provider at a time: if it hangs, the others are told
so at once, and the threads of the API stay free."""


class ProviderAway(ConnectionError):
    """The provider does not answer, or not as a provider does."""


class ProviderRefused(PermissionError):
    """The provider does not accept the code."""


@dataclass(frozen=True)
class ProviderSettings:
    """How the site's provider is reached, and what its claims mean here.

    `roles` is what each value of the claim `roles_claim` makes somebody; `factors` are the values
    of the claims amr and acr that tell of a second factor.
    """

    issuer: str
    client_id: str
    client_secret: str
    callback: str
    after_log_out: str
    scopes: str
    roles_claim: str
    roles: Mapping[str, Role]
    factors: frozenset[str]


class Provider:
    """Speaks to the provider; every method raises ProviderAway."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self._calls = threading.BoundedSemaphore(MAX_CALLS)
        self._metadata: dict[str, Any] = {}
        self._read_at = float("-inf")

    def write_address(self, state: str, nonce: str, verifier: str, *, again: bool) -> str:
        """Where the browser goes to log in; with `again` also if the person is logged in there."""
        fresh = {"prompt": "login", "max_age": "0"} if again else {}
        with self._open() as session:
            address, _ = session.create_authorization_url(
                self._find("authorization_endpoint"),
                state=state,
                nonce=nonce,
                code_verifier=verifier,
                **fresh,
            )
        return str(address)

    def redeem(
        self, code: str, verifier: str, nonce: str, *, since: int | None
    ) -> tuple[dict[str, Any], str]:
        """The claims of the person whom the provider sent back with `code`, and their ID token.

        With `since`, in seconds of the epoch, they must have logged in there after it. Raises
        ProviderRefused or TokenRefused.
        """
        with self._open() as session:
            answer = self._fetch_token(session, code, verifier)
        raw, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(raw, str):
            raise TokenRefused("no id_token")
        expected = Expected(self.settings.issuer, self.settings.client_id, nonce, access, since)
        claims = verify_id_token(raw, self._read_keys(), expected)
        return {**self._read_more(claims, access), **claims}, raw

    def write_log_out(self, id_token: str) -> str | None:
        """Where the browser goes to log out of the provider, too; None if it has no such place."""
        endpoint = self._load().get("end_session_endpoint")
        if not isinstance(endpoint, str) or not is_safe(endpoint):
            return None
        query = {
            "id_token_hint": id_token,
            "post_logout_redirect_uri": self.settings.after_log_out,
            "client_id": self.settings.client_id,
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def _open(self) -> OAuth2Session:
        methods = self._load().get("token_endpoint_auth_methods_supported")
        posts = isinstance(methods, list) and "client_secret_basic" not in methods
        return OAuth2Session(
            self.settings.client_id,
            self.settings.client_secret,
            token_endpoint_auth_method="client_secret_post" if posts else "client_secret_basic",
            scope=self.settings.scopes,
            redirect_uri=self.settings.callback,
            code_challenge_method="S256",
        )

    def _fetch_token(self, session: OAuth2Session, code: str, verifier: str) -> Mapping[str, Any]:
        endpoint = self._find("token_endpoint")

        def fetch() -> Mapping[str, Any]:
            try:
                token: Mapping[str, Any] = session.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    redirect_uri=self.settings.callback,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            except OAuthError as error:
                raise ProviderRefused(error.error) from error
            return token

        return self._call(fetch)

    def _read_keys(self) -> KeySet:
        found = self._get(self._find("jwks_uri")).get("keys")
        try:
            keys = [key for key in found or () if is_of_signatures(key)]
            return KeySet.import_key_set({"keys": keys})
        except (JoseError, ValueError, AttributeError, TypeError) as error:
            raise ProviderAway("keys that cannot be read") from error

    def _read_more(self, claims: Mapping[str, Any], access: object) -> Mapping[str, Any]:
        """The claims at the UserInfo endpoint, which many providers keep the roles for."""
        endpoint = self._load().get("userinfo_endpoint")
        if find_claim(claims, self.settings.roles_claim) is not None or not endpoint or not access:
            return {}
        found = self._get(self._find("userinfo_endpoint"), f"Bearer {access}")
        # Core 5.3.2: an answer about anybody else must not be used.
        return found if found.get("sub") == claims["sub"] else {}

    def _load(self) -> dict[str, Any]:
        if time.monotonic() - self._read_at > METADATA_SECONDS:
            found = self._get(self.settings.issuer.rstrip("/") + WELL_KNOWN)
            if found.get("issuer") != self.settings.issuer:
                raise ProviderAway("another issuer")
            self._metadata, self._read_at = found, time.monotonic()
        return self._metadata

    def _find(self, name: str) -> str:
        address = self._load().get(name)
        if not isinstance(address, str) or not is_safe(address):
            raise ProviderAway(f"no {name}")
        return address

    def _get(self, address: str, authorization: str | None = None) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Authorization": authorization}

        def get() -> dict[str, Any]:
            with requests.get(
                address, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as answer:
                if answer.status_code != 200:
                    raise ProviderAway(f"status {answer.status_code}")
                body = b""
                for block in answer.iter_content(BLOCK_BYTES):
                    body += block
                    if len(body) > ANSWER_BYTES:
                        raise ProviderAway("a huge answer")
            found = json.loads(body)
            if not isinstance(found, dict):
                raise ProviderAway("no object")
            return found

        return self._call(get)

    def _call(self, ask: Callable[[], Any]) -> Any:
        if not self._calls.acquire(blocking=False):
            raise ProviderAway("too many log-ins wait for it")
        try:
            return ask()
        except (requests.RequestException, OSError, ValueError) as error:
            if isinstance(error, ProviderAway | ProviderRefused):
                raise
            raise ProviderAway(type(error).__name__) from error
        finally:
            self._calls.release()


def is_safe(address: str) -> bool:
    """Whether an address of the provider is encrypted, or on this machine."""
    found = urlsplit(address)
    local = found.hostname in ("localhost", "127.0.0.1", "::1")
    return found.scheme == "https" or (found.scheme == "http" and local)


def is_of_signatures(key: Mapping[str, Any]) -> bool:
    """Whether a published key may be one of signatures; others may be of kinds unknown here."""
    return key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"


def find_claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a path such as `realm_access.roles`; None if there is none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
