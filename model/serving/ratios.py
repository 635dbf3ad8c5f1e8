"""findings.json: what each finding of an artifact is worth, beside the artifact and tied to it.

It is not part of the metadata: it decides nothing, and its absence only leaves a sentence out.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.serving.finding import FINDINGS

RATIOS_NAME = "findings.json"


class RatiosError(ValueError):
    """The file is damaged."""


@dataclass(frozen=True)
class FindingRatios:
    """The likelihood ratio of each of FINDINGS with its 95 % interval: value, low, high.

    It is how many times as frequent the finding is among the ill as among the others. Measured on
    `images` of `patients` with the artifact of this `version`.
    """

    version: str
    images: int
    patients: int
    ratios: dict[str, list[float]]


def write_ratios(ratios: FindingRatios, folder: Path) -> None:
    """Write findings.json. Raises ValueError for a number that is not finite."""
    text = json.dumps(asdict(ratios), indent=1, allow_nan=False) + "\n"
    (folder / RATIOS_NAME).write_text(text)


def read_ratios(folder: Path, version: str) -> FindingRatios | None:
    """The ratios of the artifact of this version; None where there are none, or another's.

    Raises RatiosError.
    """
    file = folder / RATIOS_NAME
    if not file.exists():
        return None
    try:
        stored = json.loads(file.read_bytes())
        found = FindingRatios(*(stored[name] for name in FindingRatios.__dataclass_fields__))
        sound = set(found.ratios) == set(FINDINGS) and all(map(_is_interval, found.ratios.values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RatiosError(f"{file} cannot be read.") from error
    if not sound:
        raise RatiosError(f"{file} lacks a finding or an interval.")
    return found if found.version == version else None


def _is_interval(estimate: Any) -> bool:
    value, low, high = map(float, estimate)
    return 0 < low <= value <= high < math.inf
