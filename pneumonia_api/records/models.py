"""The published models as a worker lists them, and what somebody wishes done with one.

The API knows no artifact store and runs no gate: it writes a wish, which a worker carries out by
the functions of the command `python -m model.serving.artifact_store`. There is one at a time.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.moments import write_time

OPEN_FOR = timedelta(minutes=15)
"""After it a wish counts as lost, with the worker that had it; the gate takes a minute or two."""


class What(StrEnum):
    """What is to be done with a model."""

    CHECK = "check"
    """Say whether it would pass the gate."""
    PROMOTE = "promote"
    """Serve it if it passes the gate."""
    RETURN = "return"
    """Serve it, which was promoted before."""


class State(StrEnum):
    """How far a wish is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    """The gate refuses the model."""
    FAILED = "failed"
    """It could not be tried."""
    LOST = "lost"
    """Nobody has carried it out in time."""


OPEN = (State.WAITING, State.RUNNING)

FROM = {
    What.CHECK: ("candidate", "refused", "approved"),
    What.PROMOTE: ("candidate", "refused"),
    What.RETURN: ("approved",),
}
"""The states of `artifact_store.STATES` in which a model must be."""


class NoArtifactStore(LookupError):
    """No worker has an artifact store, so that there is no other model."""


class NoSuchModel(LookupError):
    """No complete model of this version is published."""


class WrongState(ValueError):
    """The model is in service already, or was not promoted before."""


class WishOpen(RuntimeError):
    """Another wish is being carried out."""


@dataclass(frozen=True)
class WishRecord:
    """A wish: what, with which version; by whom, when (ISO 8601, UTC); and how far it is.

    `reasons` are sentences of the gate, or of what failed. `ended` is when it ended, or "".
    """

    what: What
    version: str
    by: str
    at: str
    state: State = State.WAITING
    reasons: tuple[str, ...] = ()
    ended: str = ""


class Models:
    """Written by workers and the API, read by both."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def announce(self, models: Sequence[dict[str, Any]] | None) -> None:
        """Publish the list; None if this worker has no artifact store."""
        self._redis.set(keys.PUBLISHED_MODELS, json.dumps(models))

    def list_all(self) -> list[dict[str, Any]]:
        """The list announced last. Raises NoArtifactStore."""
        found = json.loads(self._redis.get(keys.PUBLISHED_MODELS) or "null")
        if found is None:
            raise NoArtifactStore
        return list(found)

    def find_wish(self, now: datetime) -> WishRecord | None:
        """The last wish."""
        return _read(self._redis.get(keys.WISH), now)

    def wish(self, what: What, version: str, *, by: str, at: datetime) -> WishRecord:
        """Write a wish. Raises NoArtifactStore, NoSuchModel, WrongState or WishOpen."""
        states = {each["version"]: each["state"] for each in self.list_all()}
        if version not in states:
            raise NoSuchModel(version)
        if states[version] not in FROM[what]:
            raise WrongState(version)
        wish = WishRecord(what, version, by, write_time(at))

        def write(pipe: redis.client.Pipeline) -> None:
            last = _read(pipe.get(keys.WISH), at)
            if last and last.state in OPEN and last != wish:
                raise WishOpen
            pipe.multi()
            pipe.set(keys.WISH, _write(wish))

        self._redis.transaction(write, keys.WISH)
        return wish

    def take(self, now: datetime) -> WishRecord | None:
        """The wish that waits, which from now on is running; None if there is none."""

        def take(pipe: redis.client.Pipeline) -> WishRecord | None:
            wish = _read(pipe.get(keys.WISH), now)
            pipe.multi()
            if wish is None or wish.state is not State.WAITING:
                return None
            running = replace(wish, state=State.RUNNING)
            pipe.set(keys.WISH, _write(running))
            return running

        taken: WishRecord | None = self._redis.transaction(
            take, keys.WISH, value_from_callable=True
        )
        return taken

    def end(self, wish: WishRecord, state: State, reasons: Sequence[str], at: datetime) -> None:
        """Say how a wish ended, unless it counts as lost and another one has followed."""
        ended = replace(wish, state=state, reasons=tuple(reasons), ended=write_time(at))

        def end(pipe: redis.client.Pipeline) -> None:
            same = pipe.get(keys.WISH) == _write(wish)
            pipe.multi()
            if same:
                pipe.set(keys.WISH, _write(ended))

        self._redis.transaction(end, keys.WISH)


def _write(wish: WishRecord) -> str:
    return json.dumps(asdict(wish))


def _read(text: str | None, now: datetime) -> WishRecord | None:
    if not text:
        return None
    values = json.loads(text)
    wish = WishRecord(
        **{
            **values,
            "what": What(values["what"]),
            "state": State(values["state"]),
            "reasons": tuple(values["reasons"]),
        }
    )
    if wish.state in OPEN and now - datetime.fromisoformat(wish.at) > OPEN_FOR:
        return replace(wish, state=State.LOST)
    return wish
