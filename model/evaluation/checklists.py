"""The reporting checklists, item by item, with figures from raw results: docs/reporting.md."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from model.evaluation.card_tables import percent, show
from model.evaluation.marks import wrap
from model.evaluation.report_file import Report
from model.evaluation.results import Results
from model.serving.artifact import ArtifactError

Status = Literal["answered", "in part", "not done", "does not apply"]


@dataclass(frozen=True)
class Item:
    """One item of a checklist: its number and topic, and the answer, in which facts are filled in.

    "not done" and "does not apply" need their reason as much as an answer does.
    """

    number: str
    topic: str
    status: Status
    text: str


SCORES: Final = ("auc_roc", "auc_pr", "accuracy", "sensitivity", "specificity", "brier", "ece")

HEAD = """\
# How the report follows TRIPOD+AI and CLAIM

Written by `make evidence` from the raw results of the model `{version}`
([evidence.md](evidence.md)); a figure that is edited here by hand is replaced by its next run, and
fails a test before. Topics are in our words; the checklists have the full wording.
"""


def write_checklists(results: Results, lists: Sequence[tuple[str, Sequence[Item]]]) -> str:
    """docs/reporting.md, of checklists with their titles. Raises ArtifactError without a report."""
    facts = list_facts(results)
    parts = [HEAD.format(**facts)]
    for title, items in lists:
        counts = Counter(item.status for item in items)
        summary = ", ".join(f"{counts[status]} {status}" for status in get_args(Status))
        parts += [f"## {title}", f"{len(items)} items: {summary}."]
        parts += [
            f"**{item.number}. {item.topic}** ({item.status}). {item.text.format(**facts)}"
            for item in items
        ]
    return wrap("\n\n".join(parts)) + "\n"


def list_facts(results: Results) -> dict[str, str]:
    """What answers can quote, by name, as it is shown. Raises ArtifactError without a report."""
    artifact, report = results.artifact, results.report
    if report is None:
        raise ArtifactError("There is no report.json; measure the model with `make report`.")
    test, validation = artifact.scores["test"], artifact.scores["validation"]
    confusion, arguments = test["confusion"], artifact.training["arguments"]
    facts = {
        "version": artifact.version,
        "measured": report.date,
        "threshold": f"{artifact.threshold:.3f}",
        "target": percent(arguments["sensitivity"]),
        "seed": str(arguments["seed"]),
        "epochs": str(arguments["epochs"]),
        "views": str(arguments["views"]),
        "side": str(artifact.input_side),
        "versions": ", ".join(f"{name} {v}" for name, v in artifact.training["versions"].items()),
        "hardware": artifact.training.get("hardware", "not recorded"),
        "resamples": str(report.resamples),
        "missed": str(confusion["false_negative"]),
        "alarms": str(confusion["false_positive"]),
        "ece_balanced": show(report.test.ece_balanced),
        "validation_auc": show(validation["auc_roc"]),
        "ages": f"{artifact.ages.youngest} to {artifact.ages.oldest}" if artifact.ages else "any",
        "changes": str(len(report.test.robustness)),
        "worst_change": _worst_change(report),
    }
    facts |= {key: show(test[key]) for key in SCORES}
    for name, split in report.splits.items():
        facts |= {f"{name}_{key}": str(value) for key, value in vars(split).items()}
    return facts | _optional_facts(results, report)


def _worst_change(report: Report) -> str:
    """The change of the image that costs most AUC, with that AUC."""
    changes = report.test.robustness
    if not changes:
        return "not measured"
    worst = min(changes, key=lambda name: changes[name].auc_change.value or 0)
    return f"{worst}: AUC {show(changes[worst].auc_roc)}"


def _optional_facts(results: Results, report: Report) -> dict[str, str]:
    """Facts that are "not measured" where their file or set is missing."""
    band = results.artifact.uncertain
    adults, coverage, heatmaps = report.external.adults, results.coverage, results.heatmaps
    missing = "not measured"
    tested = (report.uncertain or {}).get("official test")
    promise = coverage.promise if coverage else None
    return {
        "adults_auc": show(adults["normal"].auc_roc) if adults else missing,
        "adults_specificity": show(adults["normal"].specificity) if adults else missing,
        "adults_patients": str(adults["normal"].patients) if adults else missing,
        "adults_other_auc": show(adults["other"].auc_roc) if adults else missing,
        "band": f"{band.low:.3f} to {band.high:.3f}" if band else "none",
        "uncertain_share": show(tested.share) if tested else missing,
        "promise": f"{percent(promise.missed)} of the ill and {percent(promise.alarmed)} of the "
        f"others"
        if promise
        else missing,
        "randomised": show(list(heatmaps.randomised.values())[-1]) if heatmaps else missing,
        "refusals": "; ".join(
            f"{found['refused']} of {found['images']} ({name})"
            for name, found in results.artifact.scores["ood"].items()
        )
        or missing,
        "causes": "; ".join(
            f"{name} {show(group.sensitivity)}" for name, group in report.test.subgroups.items()
        )
        or missing,
    }
