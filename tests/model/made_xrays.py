"""Labelled X-rays that need no file."""

from collections.abc import Sequence
from pathlib import Path

from model.reading.ages import AgeBand
from model.reading.dataset import LabelledXray


def make_xrays(
    source: str, labels: Sequence[int], age: AgeBand | None = None
) -> list[LabelledXray]:
    """One X-ray of each of as many patients, who are numbered from 0."""
    return [
        LabelledXray(Path(f"{source}-{number}.png"), str(number), label, source, age)
        for number, label in enumerate(labels)
    ]
