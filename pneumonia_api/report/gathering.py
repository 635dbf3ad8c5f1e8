"""What a report of a read X-ray may state, before it is put into words or codes.

A report leaves the service: it is printed, filed and read by people who do not see the page. So it
states a result only where the page would show it at once, and withholds everything else without a
button to ask for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitoring.metrics.release import RELEASE
from pneumonia_api.records.lists import WITHHELD, shown_of
from pneumonia_api.records.readings import ReadingRecord
from pneumonia_api.records.record import PredictionRecord, XrayRecord
from pneumonia_api.records.site import PrevalenceRecord
from pneumonia_api.worth import Worth, find_worth

DECIDED = {"pneumonia_likely": "pneumonia", "no_pneumonia_detected": "normal"}
"""The reading that agrees with a finding; one that is uncertain leaves nothing to agree with."""


class NotReported(RuntimeError):
    """The X-ray has no prediction yet, or no reading that stands."""


class ResultWithheld(RuntimeError):
    """The AI result is withheld, so there is nothing that a DICOM object of it could hold."""


class StudyUnknown(RuntimeError):
    """The site keeps no reference to the DICOM, or it was none, so nothing can be laid over it."""


class ReadFirst(PermissionError):
    """The caller reads before they see AI results, and has not read this X-ray."""


@dataclass(frozen=True)
class LocalWorth:
    """What the finding is worth at the site's prevalence, in per cent.

    The likelihood ratio behind it was measured on so many `patients`.
    """

    percent: float
    patients: int
    worth: Worth


@dataclass(frozen=True)
class Report:
    """What a report of `xray` states.

    `prediction` is None where the result is withheld; `withheld` then says why: `silent`, `age`
    (of another age than the model is for) or `image` (poor), else it is None. `readings` are those
    that stand, the last one last. `release` is that of this software.
    """

    xray: XrayRecord
    readings: tuple[ReadingRecord, ...]
    prediction: PredictionRecord | None
    withheld: str | None
    worth: LocalWorth | None
    release: str = RELEASE

    @property
    def reading(self) -> ReadingRecord:
        """The last reading that stands."""
        return self.readings[-1]

    @property
    def warnings(self) -> list[str]:
        """What the reader of the image warned of."""
        return self.xray.quality.warnings if self.xray.quality else []

    @property
    def decision(self) -> str | None:
        """The label of a reading that agrees with the finding; None if nothing can."""
        return DECIDED.get(str(self.prediction.finding)) if self.prediction else None


def gather(
    xray: XrayRecord,
    *,
    silent: bool,
    prevalence: PrevalenceRecord | None,
    model: Mapping[str, Any] | None,
) -> Report:
    """What a report of `xray` states; `silent` if its reader is to be shown no AI result.

    `prevalence` is what the site states last, and `model` the metadata that the workers announce.
    Raises NotReported.
    """
    standing = tuple(each for each in xray.readings if each.stands)
    if not xray.prediction or not standing:
        raise NotReported(xray.id)
    withheld = "silent" if silent else _find_reason(xray)
    prediction = None if withheld else xray.prediction
    worth = _find_worth(prediction, prevalence, model) if prediction else None
    return Report(xray, standing, prediction, withheld, worth)


def _find_reason(xray: XrayRecord) -> str | None:
    if shown_of(xray) != WITHHELD:
        return None
    return "age" if xray.scope and xray.scope.out_of_scope else "image"


def _find_worth(
    prediction: PredictionRecord,
    prevalence: PrevalenceRecord | None,
    model: Mapping[str, Any] | None,
) -> LocalWorth | None:
    """None where it is unknown, and where the finding is uncertain: a number would be a result.

    It is unknown of what a site profile decided: it was measured at the model's own threshold.
    """
    findings = (model or {}).get("findings")
    if (
        prediction.profile
        or not findings
        or not prevalence
        or findings["version"] != prediction.model
    ):
        return None
    finding = str(prediction.finding)
    if finding not in DECIDED or finding not in findings["ratios"]:
        return None
    worth = find_worth(prevalence.percent / 100, findings["ratios"])[finding]
    return LocalWorth(prevalence.percent, findings["patients"], worth)
