"""Jobs that one worker does for all."""

import secrets

import redis

from pneumonia_api.records import keys


def take_turn(client: redis.Redis, name: str, seconds: int) -> bool:
    """Acquire the lock on the job `name` for `seconds`; False while another caller holds it."""
    key, caller = keys.lock(name), secrets.token_hex(8)
    with client.pipeline() as pipe:  # idempotent: a retry after a lost reply gives the same answer
        pipe.set(key, caller, nx=True, ex=seconds)
        pipe.get(key)
        return bool(pipe.execute()[1] == caller)
