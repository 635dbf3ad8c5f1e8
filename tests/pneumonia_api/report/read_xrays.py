"""X-rays that were judged and read, as reports are made of."""

from dataclasses import replace
from functools import cache
from typing import Any

from model.reading.xray import encode_preview, read_xray
from model.serving.golden import list_images
from pneumonia_api.records.readings import ReadingRecord, find_review, mark_standing
from pneumonia_api.records.record import PredictionRecord, QualityRecord, XrayRecord, new_xray
from pneumonia_api.records.scope import ScopeRecord
from pneumonia_api.records.site import PrevalenceRecord

BAND = [0.3, 0.7]
PREVALENCE = PrevalenceRecord(7.5, "lead", "2026-11-01T08:00:00.000+00:00")
MODEL: dict[str, Any] = {
    "version": "m1",
    "findings": {
        "version": "m1",
        "images": 624,
        "patients": 428,
        "ratios": {
            "pneumonia_likely": [12.0, 8.0, 20.0],
            "uncertain": [1.0, 0.8, 1.2],
            "no_pneumonia_detected": [0.01, 0.002, 0.02],
        },
    },
}


KEPT = "\\".join(
    (
        *("1.2.3.1", "1.2.3.2", "1.2.3.3", "1.2.840.10008.5.1.4.1.1.1.1"),
        *["1200", "1000", "1", "100", "150", "900", "150", "100", "1050", "200", "3000"],
    )
)
"""References to a DX of 1000 x 1200 pixels in which the film has a border on all sides."""


def heat(row: int = 11, column: int = 3) -> list[list[float]]:
    """A map of 16 x 16 whose peak is in this cell, with a slope around it."""
    return [
        [round(max(0.0, 0.9 - 0.2 * (abs(y - row) + abs(x - column))), 3) for x in range(16)]
        for y in range(16)
    ]


def read_by(reader: str, label: str, **values: Any) -> ReadingRecord:
    """An entry; its number is that of its place in `make_read`."""
    given = {"note": "", "reviewed_at": "2026-11-28T09:30:00.000+00:00", "ai": "shown", **values}
    return ReadingRecord(label=label, reader=reader, number=0, model="m1", **given)


def make_read(
    *readings: ReadingRecord,
    finding: str = "pneumonia_likely",
    probability: float = 0.91,
    warnings: tuple[str, ...] = (),
    age: str = "within",
    reference: str = "RX 7",
    heatmap: list[list[float]] | None = None,
    references: str | None = None,
) -> XrayRecord:
    """A judged X-ray with these readings, or one that agrees."""
    decision = "pneumonia" if probability >= 0.5 else "normal"
    prediction = PredictionRecord(
        probability, decision, 0.5, "m1", heatmap or heat(), "bfloat16", finding, BAND
    )
    entries = readings or (read_by("ann", "pneumonia"),)
    standing = mark_standing(replace(each, number=number) for number, each in enumerate(entries, 1))
    return replace(
        new_xray("doctor", "ab" * 32, reference),
        status="done",
        prediction=prediction,
        quality=QualityRecord(not warnings, list(warnings), 0.4),
        scope=ScopeRecord(age in ("under", "above", "contradictory"), age, 1, 5),
        readings=standing,
        review=find_review(standing),
        view="PA",
        references=references,
    )


@cache
def film() -> bytes:
    """A real film as the store has it: the preview, a JPEG."""
    chest, _ = list_images()[0]
    return encode_preview(read_xray(chest.read_bytes()))
