"""How the errors of reports are answered; `errors` has all others."""

from pneumonia_api.records.desk import DeskUnattended, NotDrawn
from pneumonia_api.report.gathering import NotReported, ReadFirst, ResultWithheld

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
    ReadFirst: (
        403,
        "read_first",
        "You see AI results after your own reading; read this X-ray first.",
    ),
    DeskUnattended: NOT_NOW,
    NotDrawn: NOT_NOW,
}
