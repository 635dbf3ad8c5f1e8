"""Liveness and readiness probes, which need no log-in."""

import redis
from apiflask import APIBlueprint
from flask import current_app

from pneumonia_api.records.workers import Workers

probes = APIBlueprint("probes", __name__, enable_openapi=False)


@probes.get("/livez")
def livez() -> dict[str, str]:
    """Whether this process responds."""
    return {"status": "alive"}


@probes.get("/readyz")
def readyz() -> tuple[dict[str, str | bool], int]:
    """Whether an X-ray sent now would be analysed: Redis responds and a warm worker is alive."""
    workers: Workers = current_app.extensions["workers"]
    try:
        worker = workers.count() > 0
    except redis.RedisError:
        current_app.logger.warning("not ready: Redis does not answer")
        return {"status": "unready", "redis": False, "worker": False}, 503
    status = "ready" if worker else "unready"
    return {"status": status, "redis": True, "worker": worker}, 200 if worker else 503
