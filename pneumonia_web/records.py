"""The JSON of the API that the pages show (`/openapi.json` describes all of it)."""

from typing import NotRequired, TypedDict


class Prediction(TypedDict):
    """What the model decided; the worklist lacks the heat map."""

    probability: float
    decision: str
    finding: str
    uncertain: list[float] | None
    threshold: float
    model: str
    heatmap: list[list[float]]
    profile: NotRequired[str | None]  # an API of the previous release knows no site profiles


class Quality(TypedDict):
    """What the reader should know about the image itself."""

    ok: bool
    warnings: list[str]
    ood: float | None


class Scope(TypedDict):
    """Whether the model is meant for this patient, as far as the file says."""

    out_of_scope: bool
    age: str
    youngest: int | None
    oldest: int | None


class Review(TypedDict):
    """A clinician's reading."""

    label: str
    note: str
    reader: str
    reviewed_at: str


class Reading(Review):
    """An entry of the list of readings, which only grows."""

    number: int
    model: str
    ai: str | None
    undoes: int | None
    reopens: NotRequired[int | None]  # an API of the previous release knows none
    seconds: float | None
    stands: bool


class Outcome(TypedDict):
    """What the patient had, as somebody confirmed it."""

    label: str
    basis: str
    by: str
    at: str


class Deletion(TypedDict):
    """Who deleted an X-ray, when, and until when it can be restored."""

    by: NotRequired[str]  # an API of the previous release lists the caller's own, without a name
    at: str
    until: str


class Transmission(TypedDict):
    """A result on its way to the PACS."""

    status: str
    reading: int
    at: str
    answer: str | None


class Xray(TypedDict):
    """The record of one uploaded image."""

    id: str
    status: str
    source: str
    created_at: str
    reference: str
    prediction: Prediction | None
    quality: Quality | None
    reason: str | None
    review: Review | None
    scope: Scope | None
    view: NotRequired[str | None]  # an API of the previous release reads none
    transmission: NotRequired[Transmission | None]  # an API of the previous release sends none
    readings: NotRequired[list[Reading]]  # of a record alone, not of a list
    outcomes: NotRequired[list[Outcome]]  # likewise
    burned_in: NotRequired[bool]  # an API of the previous release says neither
    in_study: NotRequired[bool]
    silent: NotRequired[bool]  # an API of the previous release knows no silent weeks
    deletion: NotRequired[Deletion]  # of the list of deletions alone


class Page(TypedDict):
    """One page of the worklist."""

    xrays: list[Xray]
    counts: NotRequired[dict[str, int]]  # by tab; an API of the previous release counts nothing
    silent: NotRequired[bool]  # likewise
    cursor: str | None
