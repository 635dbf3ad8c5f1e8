"""What is stored of a secret that somebody shows again."""

import hashlib


def digest_token(token: str) -> str:
    """What is stored of a token, key or code, which are random: whoever reads it cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()
