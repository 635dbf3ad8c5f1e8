"""The acceptance of the model in service, from the labels that its X-rays have in Redis."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from pneumonia_api.acceptance.figures import Estimate
from pneumonia_api.acceptance.films import Film, find_label, make_film
from pneumonia_api.acceptance.report import Assessment, assess, read_card
from pneumonia_api.acceptance.rule import Bounds, derive_bounds
from pneumonia_api.acceptance.site_profile import make_profile, read_figures
from pneumonia_api.records.judged import list_judged
from pneumonia_api.records.plans import PlanRecord, Plans
from pneumonia_api.records.profiles import Active, ProfileRecord, Profiles, name_judge


@dataclass(frozen=True)
class InService:
    """What decides now: the announced `model` (its metadata), and the site profile, if one does.

    `promised` are the figures that it is measured by: those of the profile, of patients that were
    not used for it, in place of those of the model card.
    """

    model: Mapping[str, Any]
    active: Active

    @property
    def version(self) -> str:
        """The version of the model."""
        return str(self.model["version"])

    @property
    def profile(self) -> str | None:
        """The id of the site profile that decides."""
        return self.active.profile.id if self.active.profile else None

    @property
    def judge(self) -> str:
        """Both in one word (`profiles.name_judge`)."""
        return name_judge(self.version, self.profile)

    @property
    def promised(self) -> Mapping[str, Estimate]:
        """AUC, sensitivity and specificity."""
        profile = self.active.profile
        return read_figures(profile) if profile else read_card(self.model)


def find_in_service(client: redis.Redis, model: Mapping[str, Any]) -> InService:
    """With the profile that is switched on for this model."""
    return InService(model, Profiles(client).read_active(model["version"]))


def read_bounds(plan: PlanRecord) -> dict[str, Bounds]:
    """The bounds of a plan, by name."""
    return {name: Bounds(each, plan.least[name]) for name, each in plan.expected.items()}


def read_films(
    client: redis.Redis,
    model: str,
    since: datetime | None,
    limit: int,
    judge: str | None = None,
) -> tuple[int, list[Film]]:
    """How many X-rays since then the version `model` judged, up to `limit`, and the labelled.

    With `judge` only those that were decided so (`profiles.name_judge`).
    """
    judged, films = 0, list[Film]()
    for xray in list_judged(client, model, since, limit, judge):
        judged += 1
        if label := find_label(xray):
            films.append(make_film(xray, label))
    return judged, films


def assess_service(
    client: redis.Redis,
    serves: InService,
    bounds: dict[str, Bounds],
    *,
    since: datetime | None,
    limit: int,
) -> Assessment:
    """Assess up to `limit` X-rays that were sent since then and decided as it is done now."""
    judged, films = read_films(client, serves.version, since, limit, serves.judge)
    return assess(
        films,
        judged=judged,
        model=serves.version,
        profile=serves.profile,
        promised=serves.promised,
        bounds=bounds,
        in_time=True,
    )


def fit_service(
    client: redis.Redis, model: str, *, limit: int, by: str, at: datetime
) -> ProfileRecord:
    """Fit a profile for the version `model` to the X-rays since its plan, and store it.

    Without a plan to all that it judged, up to `limit`, whatever profile decided meanwhile.
    Nothing that decides changes. Raises TooFewFilms.
    """
    plan = Plans(client).find(model)
    judged, films = read_films(client, model, plan.since if plan else None, limit)
    profile = make_profile(films, judged=judged, model=model, origin="service", by=by, at=at)
    Profiles(client).add(profile)
    return profile


def switch_on(
    client: redis.Redis, profile_id: str, model: str, *, by: str, at: datetime
) -> ProfileRecord:
    """Let a profile decide, and write its plan if it has none: what it promises is expected.

    Raises as `Profiles.switch_on`.
    """
    plans = Plans(client)
    profile = Profiles(client).switch_on(profile_id, model, by=by, at=at)
    if plans.find(model, profile.id) is None:
        bounds = derive_bounds(read_figures(profile), {})
        plans.add(
            model,
            {name: each.expected for name, each in bounds.items()},
            {name: each.least for name, each in bounds.items()},
            by=by,
            at=at,
            profile=profile.id,
        )
    return profile
