"""What the README says about the shipped model, written from its raw results."""

from typing import Final

from model.evaluation.card_sources import excludes_adults
from model.evaluation.card_tables import show
from model.evaluation.marks import wrap
from model.evaluation.results import Results
from model.serving.artifact import Artifact

SCORES: Final = ("auc_roc", "sensitivity", "specificity", "accuracy", "ece")
NAMES = {
    "auc_roc": "AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "accuracy": "accuracy",
    "ece": "calibration error (ECE)",
}


def describe_model(results: Results) -> str:
    """The figures of the README: the official test, refusals, false alarms and other adults.

    What the report lacks is left out. Markdown, without a heading.
    """
    artifact = results.artifact
    test = artifact.scores["test"]
    scores = "\n".join(f"| {NAMES[key]} | {show(test[key])} |" for key in SCORES)
    confusion = test["confusion"]
    ill = confusion["true_positive"] + confusion["false_negative"]
    others = confusion["true_negative"] + confusion["false_positive"]
    parts = [
        f"On the official test ({test['images']} images, {test['patients']} patients), at the "
        f"stored threshold of {artifact.threshold:.3f} and with 95 % intervals by patient:",
        f"| figure | official test |\n|---|---|\n{scores}",
        f"Its weakness is normal lungs: of the {others} normal X-rays of the test it calls "
        f"{confusion['false_positive']} pneumonia, and it misses {confusion['false_negative']} of "
        f"the {ill} pneumonias. Training and test images differ in ways that it still notices.",
        _describe_band(results),
        _describe_refusals(artifact),
        _describe_adults(results),
    ]
    return wrap("\n\n".join(part for part in parts if part))


def _describe_band(results: Results) -> str:
    uncertain = results.report and results.report.uncertain
    band = results.artifact.uncertain
    if not uncertain or band is None:
        return ""
    tested = uncertain["official test"]
    return (
        f"A probability from {band.low:.3f} to below {band.high:.3f} is shown as *uncertain*: "
        f"{tested.uncertain} of the {tested.images} images of the test. On the others the "
        f"sensitivity is {show(tested.sensitivity)} and the specificity "
        f"{show(tested.specificity)}."
    )


def _describe_refusals(artifact: Artifact) -> str:
    sets = artifact.scores["ood"]
    if not sets:
        return ""
    counts = "; ".join(
        f"{found['refused']} of {found['images']} ({name})" for name, found in sets.items()
    )
    return (
        "Images that are not frontal chest X-rays are refused by their distance from chest "
        f"X-rays in the network's own features. Refused are: {counts}. Near the limit a result "
        "comes with a warning."
    )


def _describe_adults(results: Results) -> str:
    adults = results.report and results.report.external.adults
    if not adults:
        return ""
    normal, other = adults["normal"], adults["other"]
    called = round(normal.images["normal"] * (1 - (normal.specificity.value or 0)))
    unfit = ", for whom it was not made," if excludes_adults(results.artifact.ages) else ""
    return (
        f"On adults of another hospital{unfit} its AUC is {show(normal.auc_roc)} for opacity "
        f"against normal and {show(other.auc_roc)} against other abnormal lungs; at the stored "
        f"threshold it calls {called} of {normal.images['normal']} normal adults pneumonia."
    )
