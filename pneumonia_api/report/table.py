"""A report as a table of one row, for programs: its columns never depend on the language."""

import csv
import io

from pneumonia_api.report.gathering import Report

COLUMNS = (
    "id",
    "reference",
    "created_at",
    "digest",
    "view",
    "reading",
    "reader",
    "read_at",
    "note",
    "ai",
    "readings",
    "withheld",
    "finding",
    "probability",
    "threshold",
    "uncertain_from",
    "uncertain_to",
    "worth",
    "worth_low",
    "worth_high",
    "prevalence_percent",
    "warnings",
    "model",
    "precision",
    "release",
)

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would compute at the beginning of a cell (OWASP, CSV injection)."""


def write_table(report: Report) -> str:
    """The header and the row; what is withheld is empty, and `withheld` says why."""
    xray, reading, judged = report.xray, report.reading, report.xray.prediction
    prediction, local = report.prediction, report.worth
    low, high = (prediction.uncertain if prediction else None) or ("", "")
    row = {
        "id": xray.id,
        "reference": xray.reference,
        "created_at": xray.created_at,
        "digest": xray.digest,
        "view": xray.view or "",
        "reading": reading.label,
        "reader": reading.reader,
        "read_at": reading.reviewed_at,
        "note": reading.note,
        "ai": reading.ai or "",
        "readings": " ".join(f"{each.reader}:{each.label}" for each in report.readings),
        "withheld": report.withheld or "",
        "finding": prediction.finding if prediction else "",
        "probability": prediction.probability if prediction else "",
        "threshold": prediction.threshold if prediction else "",
        "uncertain_from": low,
        "uncertain_to": high,
        "worth": f"{local.worth.share:.4f}" if local else "",
        "worth_low": f"{local.worth.low:.4f}" if local else "",
        "worth_high": f"{local.worth.high:.4f}" if local else "",
        "prevalence_percent": f"{local.percent:g}" if local else "",
        "warnings": " | ".join(report.warnings),
        "model": judged.model if judged else "",
        "precision": judged.precision if judged else "",
        "release": report.release,
    }
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerow(
        f"'{each}" if str(each).startswith(FORMULA) else each
        for each in (row[name] for name in COLUMNS)
    )
    return text.getvalue()
