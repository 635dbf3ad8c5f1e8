"""How the errors of reports are answered; `errors` has all others."""

from pneumonia_api.records.desk import DeskUnattended, NotDrawn
from pneumonia_api.report.gathering import NotReported, ReadFirst, ResultWithheld, StudyUnknown

NOT_NOW = (
    503,
    "no_report_now",
    "The report cannot be made at the moment; try again in half a minute.",
)

REPORT_ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    NotReported: (
        409,
        "not_reported",
        "There is no report of this X-ray yet; it has to be analysed and read first.",
    ),
    ResultWithheld: (
        409,
        "result_withheld",
        "The AI result of this X-ray is withheld, so it is not sent to other systems.",
    ),
    StudyUnknown: (
        409,
        "study_unknown",
        "There is no presentation state: this X-ray came as no DICOM, or no reference to its study "
        "was kept.",
    ),
    ReadFirst: (
        403,
        "read_first",
        "You see AI results after your own reading; read this X-ray first.",
    ),
    DeskUnattended: NOT_NOW,
    NotDrawn: NOT_NOW,
}
