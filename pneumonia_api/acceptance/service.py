"""The acceptance of the model in service, from the labels that its X-rays have in Redis."""

from datetime import datetime

import redis

from pneumonia_api.acceptance.figures import Estimate
from pneumonia_api.acceptance.films import Film, find_label, make_film
from pneumonia_api.acceptance.report import Assessment, assess
from pneumonia_api.acceptance.rule import Bounds
from pneumonia_api.records.judged import list_judged
from pneumonia_api.records.plans import PlanRecord


def read_bounds(plan: PlanRecord) -> dict[str, Bounds]:
    """The bounds of a plan, by name."""
    return {name: Bounds(each, plan.least[name]) for name, each in plan.expected.items()}


def read_films(
    client: redis.Redis, model: str, since: datetime | None, limit: int
) -> tuple[int, list[Film]]:
    """How many X-rays since then the version `model` judged, up to `limit`, and the labelled."""
    judged, films = 0, list[Film]()
    for xray in list_judged(client, model, since, limit):
        judged += 1
        if label := find_label(xray):
            films.append(make_film(xray, label))
    return judged, films


def assess_service(
    client: redis.Redis,
    model: str,
    card: dict[str, Estimate],
    bounds: dict[str, Bounds],
    *,
    since: datetime | None,
    limit: int,
) -> Assessment:
    """Assess up to `limit` X-rays that were sent since then and judged by the version `model`."""
    judged, films = read_films(client, model, since, limit)
    return assess(films, judged=judged, model=model, card=card, bounds=bounds, in_time=True)
