"""Where the API orders reports that only a worker can draw, and waits for them.

The API holds no decoder, no numpy and no font. An order is at most once: it is lost with the worker
that has taken it, and its caller, who waits for it, asks again.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import redis

from pneumonia_api.records import keys

ANSWER_SECONDS = 60
"""How long a drawn report is kept for its caller: longer than anyone waits."""

BLOCK_SECONDS = 3
"""As in `xrays`: below the socket timeout."""


class DeskUnattended(RuntimeError):
    """No worker drew the report in time."""


class NotDrawn(RuntimeError):
    """The worker could not draw it: its X-ray was deleted meanwhile, or has no preview."""


@dataclass(frozen=True)
class Order:
    """A report to draw: of the X-ray `id`, in a `form` such as pdf, in a `language`.

    `silent` if whoever asked is to be shown no AI result.
    """

    id: str
    form: str
    language: str
    silent: bool


class Desk:
    """Orders and their answers in Redis."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def ask(self, order: Order, seconds: float) -> bytes:
        """The report. Raises DeskUnattended after `seconds`, or NotDrawn."""
        token = secrets.token_hex(8)
        text = json.dumps({**asdict(order), "token": token})
        self._redis.lpush(keys.ORDERS, text)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            # Redis takes a timeout of 0 for ever.
            found = self._redis.brpop([keys.drawn(token)], max(0.1, min(left, BLOCK_SECONDS)))
            if found:
                return _read_answer(found[1])
        self._redis.lrem(
            keys.ORDERS, 0, text
        )  # else a worker that starts later draws it for nobody
        raise DeskUnattended(order.form)

    def serve(self, draw: Callable[[Order], bytes]) -> bool:
        """Take one order and answer it; False if there was none for BLOCK_SECONDS.

        Only NotDrawn is passed on to the caller; after anything else that `draw` raises, they are
        left to wait until they ask again.
        """
        found = self._redis.brpop([keys.ORDERS], BLOCK_SECONDS)
        if not found:
            return False
        values = json.loads(found[1])
        key = keys.drawn(values.pop("token"))
        try:
            answer = {"report": base64.b64encode(draw(Order(**values))).decode()}
        except NotDrawn:
            answer = {}
        with self._redis.pipeline() as pipe:
            pipe.lpush(key, json.dumps(answer))
            pipe.expire(key, ANSWER_SECONDS)
            pipe.execute()
        return True


def _read_answer(text: str) -> bytes:
    answer: Mapping[str, str] = json.loads(text)
    if "report" not in answer:
        raise NotDrawn
    return base64.b64decode(answer["report"])
