"""The X-rays that are to review, the most suspicious first.

Only a person chooses this order. The index has no others, so a worklist that is read costs nothing.
"""

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.lists import WITHHELD, shown_of
from pneumonia_api.records.record import XrayRecord, read_hash

FIRST = 2.0
"""Above every probability: no result speaks for or against a look at these."""


def suspicion_of(xray: XrayRecord) -> float | None:
    """The place of a record in the order, None if it has none."""
    if not xray.prediction or xray.review:
        return None
    return FIRST if shown_of(xray) == WITHHELD else xray.prediction.probability


def read_suspicious(client: redis.Redis, after: str | None, count: int) -> list[str]:
    """Up to `count` ids that follow the id `after`, which may have been read meanwhile.

    After an id without a record the order begins anew.
    """
    start = _find_rank(client, after) if after else 0
    ids: list[str] = client.zrange(keys.SUSPICION, start, start + count - 1, desc=True)
    return ids


def _find_rank(client: redis.Redis, xray_id: str) -> int:
    """How many ids come before the place after `xray_id`."""
    rank = client.zrevrank(keys.SUSPICION, xray_id)
    if rank is not None:
        return int(rank) + 1
    values = client.hgetall(keys.xray(xray_id))
    xray = read_hash(values) if values else None
    if not xray or not xray.prediction:
        return 0
    place = FIRST if shown_of(xray) == WITHHELD else xray.prediction.probability
    with client.pipeline() as pipe:
        pipe.zcount(keys.SUSPICION, f"({place!r}", "+inf")
        pipe.zrange(keys.SUSPICION, place, place, byscore=True)
        above, equal = pipe.execute()
    return int(above) + sum(each > xray_id for each in equal)
