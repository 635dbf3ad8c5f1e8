"""`pneumonia_api.records.turns` on a real Redis."""

import redis

from pneumonia_api.records.turns import take_turn


def test_turn_is_taken_by_one_caller(client: redis.Redis) -> None:
    """One of the workers sweeps, until its lock expires; another job has another lock."""
    assert take_turn(client, "sweep", 60)
    assert not take_turn(client, "sweep", 60)
    assert take_turn(client, "republish", 60)
