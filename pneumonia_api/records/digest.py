"""The digest of a record as text: 40 characters instead of 64."""

import base64
import re

PACKED = 40
"""Characters of base85: five for each four of the 32 bytes of a SHA-256."""

_SHA256 = re.compile("[0-9a-f]{64}")


def pack_digest(digest: str) -> str:
    """A SHA-256 in hexadecimal digits as base85; any other text as it is."""
    if _SHA256.fullmatch(digest):
        return base64.b85encode(bytes.fromhex(digest)).decode()
    return digest


def unpack_digest(text: str) -> str:
    """The digest that `pack_digest` packed; also one that an earlier release wrote in full."""
    return base64.b85decode(text).hex() if len(text) == PACKED else text
