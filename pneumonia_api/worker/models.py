"""The worker's third duty: it lists the published models, and does what somebody wishes with one.

By the functions of `python -m model.serving.artifact_store`: there is one gate and one store.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import redis

from model.serving.artifact import ArtifactError
from model.serving.artifact_store import ArtifactStore, ArtifactStoreError
from pneumonia_api.audit.events import Action, Event, Outcome, record
from pneumonia_api.records.models import Models, State, What, WishRecord

log = logging.getLogger(__name__)

PAUSE_SECONDS = 2
"""How soon a wish is begun."""

LIST_SECONDS = 15
"""How often the store is listed, as often as it is polled for the model in service."""

OUTCOMES = {State.DONE: Outcome.DONE, State.REFUSED: Outcome.REFUSED, State.FAILED: Outcome.FAILED}


def keep_models(client: redis.Redis, store: ArtifactStore | None, ended: threading.Event) -> None:
    """List the models and carry out wishes, until `ended`."""
    office = ModelOffice(client, store)
    listed = float("-inf")
    while not ended.wait(PAUSE_SECONDS):
        try:
            if office.carry_out() or time.monotonic() - listed >= LIST_SECONDS:
                listed = time.monotonic()
                office.announce()
        except redis.RedisError as error:
            log.warning("Redis does not answer, so models are not listed: %s", error)
        except ArtifactStoreError as error:
            log.warning("the artifact store cannot be listed: %s", error)


class ModelOffice:
    """Carries out wishes. Its methods raise redis.RedisError."""

    def __init__(self, client: redis.Redis, store: ArtifactStore | None) -> None:
        self._redis = client
        self._models = Models(client)
        self._store = store
        self._known: dict[str, dict[str, Any]] = {}

    def announce(self) -> None:
        """Publish the list of models. Raises ArtifactStoreError."""
        if self._store is None:
            self._models.announce(None)
            return
        self._models.announce(
            [
                {**self._describe(self._store, version), "state": state}
                for version, state in sorted(self._store.list_models().items())
            ]
        )

    def carry_out(self) -> bool:
        """Carry out the wish that waits; whether there was one."""
        if self._store is None:
            return False
        wish = self._models.take(datetime.now(UTC))
        if wish is None:
            return False
        log.info("%s %s, as %s wishes", wish.what, wish.version, wish.by)
        state, reasons = _carry_out(self._store, wish)
        self._models.end(wish, state, reasons, datetime.now(UTC))
        if wish.what is not What.CHECK:
            about = {"about": wish.version, "detail": f"{wish.what} ended"}
            event = Event(Action.SWITCH_MODEL, wish.by, outcome=OUTCOMES[state], **about)
            record(self._redis, event)
        return True

    def _describe(self, store: ArtifactStore, version: str) -> dict[str, Any]:
        """Digest and figures of a version, which do not change: a version is a digest."""
        if version not in self._known:
            self._known[version] = {"version": version, **store.describe(version)}
        return self._known[version]


def _carry_out(store: ArtifactStore, wish: WishRecord) -> tuple[State, list[str]]:
    actions: dict[What, Callable[[str], list[str] | None]] = {
        What.CHECK: store.find_faults,
        What.PROMOTE: store.promote,
        What.RETURN: store.switch,
    }
    try:
        faults = actions[wish.what](wish.version)
    except (ArtifactStoreError, ArtifactError, OSError) as error:
        log.error("%s %s failed: %s", wish.what, wish.version, error)
        return State.FAILED, [str(error)]
    return (State.REFUSED, faults) if faults else (State.DONE, [])
