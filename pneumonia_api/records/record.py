"""The record of one X-ray, and the hash in which Redis keeps it."""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from pneumonia_api.records import heatmap
from pneumonia_api.records.outcomes import OutcomeRecord, read_outcomes
from pneumonia_api.records.profiles import name_judge
from pneumonia_api.records.readings import ReadingRecord, ReviewRecord, read_readings
from pneumonia_api.records.scope import ScopeRecord, read_scope, write_scope
from pneumonia_api.records.shortening import (
    restore_digest,
    restore_time,
    shorten_digest,
    shorten_time,
)
from pneumonia_api.records.transmission import TransmissionRecord

STATUSES = ("queued", "done", "rejected", "failed")
DECISIONS = ("pneumonia", "normal")
FINDINGS = ("pneumonia_likely", "uncertain", "no_pneumonia_detected")

BATCH_SOURCE = "batch"
"""The source of records made by archive scoring; an upload's is the caller."""

Part = TypeVar("Part")


class XrayMissing(LookupError):
    """No record has this id."""


@dataclass(frozen=True)
class PredictionRecord:
    """The model's answer; `model` is the version of the artifact that gave it.

    `probability` of pneumonia is calibrated; `decision` is one of DECISIONS; `heatmap` is 16 rows
    of 16 numbers from 0 to 1 with three decimals, top left first. `precision` is that of the
    computation; records of earlier releases, which have none, were computed in float32. `finding`,
    one of FINDINGS, is what to show: it is uncertain from the first to below the second probability
    of `uncertain`. The models of earlier releases have no such band. `profile` is the id of the
    site profile by which probability, threshold and band are; then `model_probability` is that of
    the model's own calibration. Both are None where the model alone decided.
    """

    probability: float
    decision: str
    threshold: float
    model: str
    heatmap: list[list[float]]
    precision: str = "float32"
    finding: str | None = None
    uncertain: list[float] | None = None
    profile: str | None = None
    model_probability: float | None = None

    @property
    def judge(self) -> str:
        """What decided, in one word (`profiles.name_judge`)."""
        return name_judge(self.model, self.profile)


@dataclass(frozen=True)
class QualityRecord:
    """What the reader should know about the image: `ok` when there are no `warnings`.

    `ood` says how unlike a chest X-ray it is; above 1 it is rejected.
    """

    ok: bool
    warnings: list[str]
    ood: float | None


@dataclass(frozen=True)
class DeletionRecord:
    """Who deleted the record and when, and until when they may restore it (ISO 8601, UTC)."""

    by: str
    at: str
    until: str


@dataclass(frozen=True)
class XrayRecord:
    """The record of one uploaded image.

    `digest` is the SHA-256 of its bytes. A record that is done has `prediction`, `quality` and
    `scope`, which those of earlier releases lack; one that is rejected or failed has a `reason`.
    `view` is PA or AP where the file says so, and `accession` the number in a DICOM, at a site that
    wants it as the reference of what was sent without one. `device` is maker and model of the
    machine in a DICOM (`model.reading.dicom.device`). `burned_in` is true where a DICOM says that
    text in its picture identifies the patient: the picture keeps it. `references` are those to the
    DICOM and its study (`records.source_object`), at a site that keeps them. `transmission` is the
    state of its result on the way to the PACS, where one is configured.
    """

    id: str
    status: str
    source: str
    created_at: str
    digest: str
    reference: str = ""
    prediction: PredictionRecord | None = None
    quality: QualityRecord | None = None
    reason: str | None = None
    review: ReviewRecord | None = None
    readings: tuple[ReadingRecord, ...] = ()
    deletion: DeletionRecord | None = None
    scope: ScopeRecord | None = None
    view: str | None = None
    accession: str | None = None
    outcomes: tuple[OutcomeRecord, ...] = ()
    device: str | None = None
    burned_in: bool = False
    references: str | None = None
    transmission: TransmissionRecord | None = None

    @property
    def in_study(self) -> bool:
        """Whether results can belong to the study that the DICOM is of."""
        return bool(self.references)


_PARTS = {
    "prediction": PredictionRecord,
    "quality": QualityRecord,
    "review": ReviewRecord,
    "deletion": DeletionRecord,
    "transmission": TransmissionRecord,
}
"""Fields that the hash holds as JSON."""

PRECISION, SCOPE, PROFILE, BURNED_IN = "p", "s", "f", "b"
"""Fields of the hash under a short name: the precision of the prediction, unless that is float32;
the scope; the profile by which it was made with the model's own probability, in two words; and 1
where text is burned in."""

_SHORT = {"bfloat16": "bf16"}
_LONG = {short: name for name, short in _SHORT.items()}

FINDING_OF = {"pneumonia": "pneumonia_likely", "normal": "no_pneumonia_detected"}
"""By decision, where the hash has none: all but the uncertain ones."""


def new_xray(
    source: str, digest: str, reference: str = "", fingerprint: str | None = None
) -> XrayRecord:
    """A queued record with a fresh id: 12 hexadecimal digits of time, then 20 random ones.

    A file of an archive has its `fingerprint` in place of the random digits.
    """
    now = time.time()
    xray_id = f"{int(now * 1000):012x}{fingerprint or secrets.token_hex(10)}"
    created_at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    return XrayRecord(xray_id, "queued", source, created_at, digest, reference)


def fingerprint_file(digest: str, judge: str) -> str:
    """20 hexadecimal digits that identify a file of an archive and what scores it.

    `judge` is the version of the model, with the site's profile if one decides (`name_judge`).
    """
    return hashlib.sha256(f"batch:{digest}:{judge}".encode()).hexdigest()[:20]


def fingerprint_of(xray_id: str) -> str:
    """The part of an id that is the fingerprint, where the record is one of an archive."""
    return xray_id[12:]


def write_hash(xray: XrayRecord) -> dict[str, str]:
    """The fields of a record's hash but its lists; those that are None are left out.

    Every value is short enough for the compact form of a hash (`redis.conf.template`). The previous
    release kept the heat map in `prediction`; it reads an empty one there, and skips the field
    `map`. It would enter a queued record that it finishes under the digest as it reads it, so that
    is shortened only when the record has ended.
    """
    values = {name: value for name, value in vars(xray).items() if value is not None}
    if xray.status != "queued":
        values["digest"] = shorten_digest(xray.digest)
        values["created_at"] = shorten_time(xray.created_at)
    del values["readings"], values["outcomes"], values["burned_in"]
    if xray.burned_in:
        values[BURNED_IN] = "1"
    for name in _PARTS.keys() & values.keys():
        part = {**vars(values[name])}
        if name == "prediction":
            if part["heatmap"]:
                values["map"] = heatmap.pack(part["heatmap"])
                part["heatmap"] = []
            if (precision := part.pop("precision")) != "float32":
                values[PRECISION] = _SHORT.get(precision, precision)
            if part["finding"] == FINDING_OF[part["decision"]]:
                del part["finding"]
            profile, own = part.pop("profile"), part.pop("model_probability")
            if profile:
                values[PROFILE] = profile if own is None else f"{profile} {own!r}"
        elif name == "review":
            part["reviewed_at"] = shorten_time(part["reviewed_at"])
        values[name] = write_part(part)
    if xray.scope:
        del values["scope"]
        values[SCOPE] = write_scope(xray.scope)
    return values


def write_part(values: Mapping[str, Any]) -> str:
    """A part of a record as JSON, as short as it can be."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def read_hash(values: Mapping[str, str], *, with_heatmap: bool = True) -> XrayRecord:
    """The record of a hash, which must not be empty; also of one of an earlier release.

    Its heat map is empty if it is not wanted, because to unpack it takes as long as all the rest.

    Skips fields that this release does not know, so that a later one may add some.
    """
    parsed: dict[str, Any] = dict(values)
    for name, restore in (("digest", restore_digest), ("created_at", restore_time)):
        if name in values:
            parsed[name] = restore(values[name])
    for name in _PARTS.keys() & values.keys():
        part = json.loads(values[name])
        if name == "prediction":
            part.setdefault("finding", FINDING_OF[part["decision"]])
            if PRECISION in values:
                short = values[PRECISION]
                part["precision"] = _LONG.get(short, short)
            if PROFILE in values:
                profile, *own = values[PROFILE].split()
                part |= {"profile": profile, "model_probability": float(own[0]) if own else None}
            if not with_heatmap:
                part["heatmap"] = []
            elif "map" in values:
                part["heatmap"] = heatmap.unpack(values["map"])
            elif "heatmap" in values:
                part["heatmap"] = heatmap.unpack_deflated(values["heatmap"])
        elif name == "review":
            part["reviewed_at"] = restore_time(part["reviewed_at"])
        parsed[name] = _read_known(_PARTS[name], part)
    parsed["burned_in"] = BURNED_IN in values
    if scope := values.get(SCOPE) or values.get("scope"):  # the name that it had before
        parsed["scope"] = read_scope(scope)
    if prediction := parsed.get("prediction"):
        parsed["readings"] = read_readings(values, parsed.get("review"), prediction.model)
        parsed["outcomes"] = read_outcomes(values)
    return _read_known(XrayRecord, parsed)


def _read_known(kind: type[Part], values: Mapping[str, Any]) -> Part:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in values.items() if name in known})
