"""Digest, id and times of a record in fewer characters; what is of another form stays as it is.

Every release reads the short time: it is ISO 8601, too, in the basic format.
"""

import base64
import re

DIGEST_CHARACTERS = 40
"""Of base85: five for each four of the 32 bytes of a SHA-256."""

ID_CHARACTERS = 20
"""Of base85, for the 16 bytes of an id."""

_ID = re.compile("[0-9a-f]{32}")
_SHA256 = re.compile("[0-9a-f]{64}")
_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2}\.\d{3})\+00:00", flags=re.ASCII)
_SHORT_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2}\.\d{3})Z", flags=re.ASCII)


def shorten_digest(digest: str) -> str:
    """A SHA-256 in hexadecimal digits as base85."""
    if _SHA256.fullmatch(digest):
        return base64.b85encode(bytes.fromhex(digest)).decode()
    return digest


def restore_digest(text: str) -> str:
    """The digest that `shorten_digest` shortened; also one that was written in full."""
    return base64.b85decode(text).hex() if len(text) == DIGEST_CHARACTERS else text


def shorten_id(xray_id: str) -> str:
    """An id of 32 hexadecimal digits as base85, which does not sort like the id."""
    if _ID.fullmatch(xray_id):
        return base64.b85encode(bytes.fromhex(xray_id)).decode()
    return xray_id


def restore_id(text: str) -> str:
    """The id that `shorten_id` shortened; also one that was written in full."""
    return base64.b85decode(text).hex() if len(text) == ID_CHARACTERS else text


def shorten_time(time: str) -> str:
    """2026-11-27T15:04:11.255+00:00 as 20261127T150411.255Z."""
    return "{}{}{}T{}{}{}Z".format(*match.groups()) if (match := _TIME.fullmatch(time)) else time


def restore_time(text: str) -> str:
    """The time that `shorten_time` shortened; also one that was written in full."""
    if match := _SHORT_TIME.fullmatch(text):
        return "{}-{}-{}T{}:{}:{}+00:00".format(*match.groups())
    return text
