"""The second factor of a log-in: codes of an app (TOTP, RFC 6238), and recovery codes.

The secret lies in Redis as it is, because codes are made from it: whoever reads Redis can make
them, and still needs the password, of which there is only a hash.
"""

import secrets
from datetime import datetime

import pyotp
import redis

from pneumonia_api.accounts import Accounts, NotAPerson
from pneumonia_api.records import keys
from pneumonia_api.records.tokens import digest_token

STEP_SECONDS = 30

EARLIER_STEPS, LATER_STEPS = 1, 1
"""Steps by which the clock of a phone may be wrong, or its owner slow."""

RECOVERY_CODES = 10
RECOVERY_BYTES = 5
"""40 random bits each; guesses are limited as for any code."""

MAX_CODES, CODE_SECONDS = 10, 3600
"""Wrong codes for one person from anywhere in an hour. Who can try codes at all has the password;
at this rate a guess succeeds within a day with a probability of 0.1 %."""


class WrongCode(PermissionError):
    """The code is wrong, too old, or was used already."""


class TooManyCodes(PermissionError):
    """Too many wrong codes for this person; locked for CODE_SECONDS."""


class NotBegun(LookupError):
    """There is no new secret to confirm."""


class SecondFactors:
    """Enrols people, and verifies codes."""

    def __init__(self, client: redis.Redis, accounts: Accounts) -> None:
        self._redis = client
        self._accounts = accounts

    def is_enrolled(self, user: str) -> bool:
        """Whether the person needs a code to log in."""
        return bool(self._redis.hget(keys.user(user), "totp"))

    def begin(self, user: str) -> str:
        """A new secret, in Base32, which counts once `confirm` gets a code of it."""
        secret = pyotp.random_base32()
        if not self._accounts.replace(user, {"totp_new": secret}, ends_sessions=False):
            raise NotAPerson(user)
        return secret

    def confirm(self, user: str, code: str, at: datetime) -> list[str]:
        """Enrol the person; returns the recovery codes, which are shown this once.

        Raises NotBegun, WrongCode or TooManyCodes.
        """
        secret = self._redis.hget(keys.user(user), "totp_new")
        if not secret:
            raise NotBegun(user)
        self._count(user)
        step = find_step(secret, code, at)
        if step is None:
            raise WrongCode(user)
        codes = [secrets.token_hex(RECOVERY_BYTES) for _ in range(RECOVERY_CODES)]
        fields = {"totp": secret, "totp_new": "", "totp_step": str(step)}
        recovery, account = keys.recovery(user), keys.user(user)

        def enrol(pipe: redis.client.Pipeline) -> None:
            pipe.multi()
            pipe.hset(account, mapping=fields)
            pipe.delete(recovery, keys.codes(user))
            pipe.sadd(recovery, *map(digest_token, codes))

        self._redis.transaction(enrol, account)
        return codes

    def remove(self, user: str) -> None:
        """Let the person log in by password alone, until they enrol again. Raises NotAPerson."""
        fields = {"totp": "", "totp_new": "", "totp_step": ""}
        if not self._accounts.replace(user, fields, ends_sessions=False):
            raise NotAPerson(user)
        self._redis.delete(keys.recovery(user), keys.codes(user))

    def verify(self, user: str, code: str, at: datetime) -> None:
        """Use up a code of the app, or a recovery code. Raises WrongCode or TooManyCodes.

        A code works once: whoever looked over a shoulder cannot use it again.
        """
        self._count(user)
        typed = "".join(code.split()).replace("-", "").lower()
        if not (self._use_code(user, typed, at) or self._use_recovery(user, typed)):
            raise WrongCode(user)
        self._redis.delete(keys.codes(user))

    def _use_code(self, user: str, code: str, at: datetime) -> bool:
        account = keys.user(user)

        def use(pipe: redis.client.Pipeline) -> bool:
            secret, last = pipe.hmget(account, "totp", "totp_step")
            pipe.multi()
            step = find_step(secret, code, at) if secret else None
            if step is None or step <= int(last or 0):
                return False
            pipe.hset(account, "totp_step", str(step))
            return True

        return bool(self._redis.transaction(use, account, value_from_callable=True))

    def _use_recovery(self, user: str, code: str) -> bool:
        return bool(self._redis.srem(keys.recovery(user), digest_token(code)))

    def count_recovery_codes(self, user: str) -> int:
        """How many recovery codes are left."""
        return int(self._redis.scard(keys.recovery(user)))

    def _count(self, user: str) -> None:
        """Count a try before its code is verified, so that parallel guesses count, too."""
        tries = keys.codes(user)
        with self._redis.pipeline() as pipe:
            pipe.sadd(tries, secrets.token_hex(8))
            pipe.expire(tries, CODE_SECONDS, nx=True)
            pipe.scard(tries)
            *_, tried = pipe.execute()
        if tried > MAX_CODES:
            raise TooManyCodes(user)


def find_step(secret: str, code: str, at: datetime) -> int | None:
    """The step of time that `code` belongs to, the latest first; None if it is none of now."""
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    now = int(at.timestamp()) // STEP_SECONDS
    for step in range(now + LATER_STEPS, now - EARLIER_STEPS - 1, -1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), code):
            return step
    return None


def write_address(secret: str, user: str, site: str) -> str:
    """What the QR code says to the app."""
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    return totp.provisioning_uri(name=user, issuer_name=site)
