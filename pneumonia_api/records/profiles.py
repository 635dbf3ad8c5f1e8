"""Site profiles: a calibration, a threshold and an uncertain band of the hospital's own.

They are stored when an admin has them fitted, and never changed: the id of a profile is a digest of
everything in it. Which one is switched on is a list of its own that only grows. A profile applies
to the model that it was fitted for and to no other.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, get_args

import redis

from pneumonia_api.records import keys
from pneumonia_api.records.moments import write_time

MIN_PATIENTS = 100
"""Ill ones and healthy ones each, of whom a profile needs films: twice of what an acceptance needs,
because two numbers, a threshold and a band are fitted to them."""

SHOWN = 20
"""The last switches."""

ID_DIGITS = 12
"""As many as the version of a model has."""

State = Literal["off", "applied", "other_model", "broken"]
STATES: tuple[State, ...] = get_args(State)
"""Of what is switched on: nothing; a profile that decides; one of another model than is served; or
one that is missing or damaged. The last two decide nothing."""


class ProfileMissing(LookupError):
    """No profile has this id."""


class BrokenProfile(ValueError):
    """What is stored under the id is not the profile that was stored."""


class ProfileOfAnotherModel(ValueError):
    """The profile was fitted for another model than is served."""


@dataclass(frozen=True)
class FilmsRecord:
    """On which films a profile was fitted.

    `origin` is service or archive, `judged` how many could have had a label, `films` how many were
    used, `bases` what their labels rest on. `first` and `last` are the days (ISO 8601, UTC) on
    which the first and the last of them were sent; for an archive, scored.
    """

    origin: str
    judged: int
    films: int
    ill: int
    patients_ill: int
    patients_healthy: int
    bases: dict[str, int]
    first: str
    last: str


@dataclass(frozen=True)
class ProfileRecord:
    """What a site decides by in place of the rule of the version `model`.

    The log-odds of illness are `intercept` + `slope` times those of the model's own probability.
    Pneumonia from `threshold` on, uncertain from the first to below the second of `uncertain`: both
    are probabilities of the profile. `figures` are value and ends of the 95 % interval, of patients
    that were not used, by name: auc, sensitivity, specificity, uncertain and error; and
    model_error, the calibration error of the model itself on the same films.
    """

    model: str
    intercept: float
    slope: float
    threshold: float
    uncertain: list[float]
    basis: FilmsRecord
    figures: dict[str, list[float]]
    by: str
    at: str

    @cached_property
    def id(self) -> str:
        """The digest of everything in it."""
        return hashlib.sha256(_write(self).encode()).hexdigest()[:ID_DIGITS]


@dataclass(frozen=True)
class SwitchRecord:
    """Which profile is on from then on, or None; who switched, and when (ISO 8601, UTC)."""

    profile: str | None
    by: str
    at: str


@dataclass(frozen=True)
class Active:
    """What is switched on, and what it means for one model: `profile` only where it decides."""

    state: State
    profile: ProfileRecord | None = None
    switch: SwitchRecord | None = None


def name_judge(model: str, profile: str | None) -> str:
    """What decided, in one word: the version of the model, with the site's profile if one did."""
    return f"{model}+{profile}" if profile else model


class Profiles:
    """Reads and adds profiles, and switches them."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def add(self, profile: ProfileRecord) -> None:
        """Store a profile; again, it changes nothing."""
        self._redis.hsetnx(keys.PROFILES, profile.id, _write(profile))

    def get(self, profile_id: str) -> ProfileRecord:
        """One profile. Raises ProfileMissing or BrokenProfile."""
        text = self._redis.hget(keys.PROFILES, profile_id)
        if text is None:
            raise ProfileMissing(profile_id)
        return _read(profile_id, text)

    def list_all(self) -> list[ProfileRecord]:
        """All that can be read, the newest first."""
        found = []
        for profile_id, text in self._redis.hgetall(keys.PROFILES).items():
            try:
                found.append(_read(profile_id, text))
            except BrokenProfile:
                continue  # what is switched on says that it is broken
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)

    def list_switches(self) -> list[SwitchRecord]:
        """The last SHOWN, the one that counts first."""
        found = map(_read_switch, reversed(self._redis.lrange(keys.SWITCHES, -SHOWN, -1)))
        return [switch for switch in found if switch]

    def switch_on(self, profile_id: str, model: str, *, by: str, at: datetime) -> ProfileRecord:
        """Let a profile decide from the next X-ray on, if it was fitted for `model`.

        Raises ProfileMissing, BrokenProfile or ProfileOfAnotherModel; nothing changes then.
        """
        profile = self.get(profile_id)
        if profile.model != model:
            raise ProfileOfAnotherModel(profile_id)
        self._append(SwitchRecord(profile_id, by, write_time(at)))
        return profile

    def switch_off(self, *, by: str, at: datetime) -> None:
        """Let the model alone decide from the next X-ray on."""
        self._append(SwitchRecord(None, by, write_time(at)))

    def read_active(self, model: str) -> Active:
        """What is switched on, and what it means for the version `model`."""
        last = self._redis.lindex(keys.SWITCHES, -1)
        if last is None:
            return Active("off")
        switch = _read_switch(last)
        if switch is None:
            return Active("broken")
        if switch.profile is None:
            return Active("off", None, switch)
        try:
            profile = self.get(switch.profile)
        except (ProfileMissing, BrokenProfile):
            return Active("broken", None, switch)
        if profile.model != model:
            return Active("other_model", None, switch)
        return Active("applied", profile, switch)

    def find_applied(self, model: str) -> str | None:
        """The id of the profile that decides for the version `model`; None if none does."""
        profile = self.read_active(model).profile
        return profile.id if profile else None

    def _append(self, switch: SwitchRecord) -> None:
        """Unless it changes nothing, such as a second attempt whose first reply was lost."""

        def append(pipe: redis.client.Pipeline) -> None:
            last = pipe.lindex(keys.SWITCHES, -1)
            before = _read_switch(last) if last else SwitchRecord(None, "", "")
            pipe.multi()
            if before is None or switch.profile != before.profile:
                pipe.rpush(keys.SWITCHES, json.dumps(asdict(switch)))

        self._redis.transaction(append, keys.SWITCHES)


def _read_switch(text: str) -> SwitchRecord | None:
    """None if it is damaged, or of a later release that says more."""
    try:
        return SwitchRecord(**json.loads(text))
    except (ValueError, TypeError):
        return None


def _write(profile: ProfileRecord) -> str:
    return json.dumps(asdict(profile), sort_keys=True, allow_nan=False)


def _read(profile_id: str, text: str) -> ProfileRecord:
    """Raises BrokenProfile unless it is what `add` stored, and could be applied."""
    try:
        values = json.loads(text)
        values["basis"] = FilmsRecord(**_take(values["basis"], FilmsRecord))
        profile = ProfileRecord(**_take(values, ProfileRecord))
        if profile.id != profile_id or not _is_usable(profile):
            raise BrokenProfile(profile_id)
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenProfile(profile_id) from error
    return profile


def _take(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The values, if they are exactly the fields of `kind`: what else a profile says would decide,
    too."""
    if set(values) != {field.name for field in fields(kind)}:
        raise ValueError("other fields")
    return dict(values)


def _is_usable(profile: ProfileRecord) -> bool:
    low, high = profile.uncertain
    basis = profile.basis
    numbers = (profile.intercept, profile.slope, profile.threshold, low, high)
    return (
        all(isinstance(each, (int, float)) and math.isfinite(each) for each in numbers)
        and profile.slope > 0
        and 0 < low <= profile.threshold <= high < 1
        and min(basis.patients_ill, basis.patients_healthy) >= MIN_PATIENTS
    )
