"""What the card says of the films that a network was trained on, and of how it was trained."""

from collections.abc import Mapping
from typing import Any

from model.evaluation.card_tables import percent, show
from model.evaluation.marks import wrap
from model.evaluation.sources import SourceScores
from model.reading.ages import AgeBand
from model.reading.dataset import KERMANY

ADULT = 18
"""Completed years."""

SOURCES = {
    KERMANY: (
        "`kermany`: Kermany et al. 2018, Cell 172:1122 (doi 10.17632/rscbjbr9sj, CC BY 4.0): "
        "frontal "
        "chest X-rays of children aged 1 to 5 from retrospective cohorts of one hospital "
        "(Guangzhou "
        "Women and Children's Medical Center), taken in routine care. Images that failed a quality "
        "check or were unreadable were removed. Two expert physicians graded each image, a third "
        "checked the test set. A label is their reading, not a microbiological finding. Dates, "
        "scanners, inter-reader agreement and the children's outcomes are not available."
    ),
    "rsna_nih_normals": (
        "`rsna_nih_normals`: normal adults of NIH ChestX-ray8 (Wang et al. 2017, one hospital in "
        "Bethesda), chosen by the class *Normal* of the readers of the RSNA Pneumonia Detection "
        "Challenge 2018 (Shih et al. 2019; research and non-commercial use)."
    ),
    "hannover": (
        "`hannover`: adults with COVID-19 pneumonia of Hannover Medical School (doi "
        "10.6084/m9.figshare.12275009, CC BY 3.0). The label is the diagnosis, not a reading of "
        "the "
        "film: some films are nearly normal, and many have lines and tubes."
    ),
    "cohen_open": (
        "`cohen_open`: pneumonias of many causes and eight normal films of "
        "covid-chestxray-dataset (Cohen et al. 2020; a licence for each image, most of them CC "
        "BY-NC-SA), collected from articles and case reports; some films have drawn arrows."
    ),
}
UNEQUAL = (
    "Nearly every normal adult is of one source and every ill adult of another, so the source "
    "alone "
    "would tell them apart. What tells the NIH films from all others is therefore removed from the "
    "features before the heads see them (section 5), and nih_adults, in which both classes are of "
    "one "
    "source, is the guard (section 7). Of ages from 6 to 17 there is no film to train on."
)


def describe_data(sources: list[str]) -> str:
    """The origin of each source, as a list where there are several."""
    unknown = "`{}`: a source that its CSV file of labels names."
    texts = [SOURCES.get(name, unknown.format(name)) for name in sources]
    if sources == [KERMANY]:
        return wrap(texts[0].removeprefix("`kermany`: "))
    parts = ["\n".join(f"- {text}" for text in texts)]
    if {"rsna_nih_normals", "hannover"} <= set(sources):
        parts.append(UNEQUAL)
    return wrap("\n\n".join(parts))


def excludes_adults(ages: AgeBand | None) -> bool:
    """Whether the model is for children alone."""
    return ages is not None and ages.oldest < ADULT


def describe_patients(ages: AgeBand | None) -> str:
    """Whose films the model is for."""
    if ages is None:
        return "patients of any age"
    years = f"{ages.youngest} to {ages.oldest}"
    return f"children aged {years}" if excludes_adults(ages) else f"patients aged {years}"


def list_exclusions(ages: AgeBand | None) -> str:
    """Whom it is not for, beside what every version excludes."""
    if excludes_adults(ages):
        return "adults; infants under one year"
    return "infants under one year"


def describe_training(training: Mapping[str, Any]) -> str:
    """How conv5 and the heads were trained: in one run, or in one after another."""
    arguments, initial = training["arguments"], training.get("initial")
    if initial is None:
        return wrap(_describe_trunk(training) + " " + VIEWS)
    align = arguments.get("align")
    units = " and ".join(str(count) for count in arguments["dense"])
    heads = f"heads of {units} units" if units else "heads, each linear,"
    parts = [
        "**First run**, on children: " + _describe_trunk(initial) + " " + VIEWS,
        f"**Second run**, on all sources: ResNet50 stays as it is, and new {heads} are trained "
        f"for at most {arguments['head_epochs']} epochs on {arguments['views']} such views of each "
        "image. Each class has the same total weight.",
    ]
    if align is not None:
        parts[-1] += (
            f" Before that, the {align['directions']} directions that best tell "
            f"`{align['source']}` "
            "from the other sources are removed from each stage's pooled features (iterative "
            "nullspace projection, Ravfogel et al. 2020), and the projection is folded into the "
            "weights. They are sought between its normals and half of the unlabelled adults of the "
            "same hospital on one side, and everybody else on the other, so that illness is not "
            "what differs (`model/training/alignment.py`)."
        )
    return wrap("\n\n".join(parts))


VIEWS = (
    "Views differ in crop, aspect ratio, rotation, sharpness, exposure, noise, compression, hidden "
    "rectangles, lead letters and shutters; there are no flips, because the heart is on the left. "
    "Squashing makes the mean aspect ratio of a class of `kermany` visible as a distortion, so "
    "training undoes it; the variance of the logit between two views of an image is part of the "
    "loss. "
    "The heads leave out an edge of one seventh, where letters, arms and collimation distinguish "
    "classes."
)


def show_shares(shares: Mapping[str, float]) -> str:
    """What the threshold has to find of the pneumonias of single sources, to end a clause."""
    return "".join(f", and {percent(share)} of those of `{name}`" for name, share in shares.items())


def show_older_children(scores: SourceScores | None) -> str:
    """How many normal films of children over five and of youths are left normal."""
    if scores is None:
        return "Older children: not measured."
    return wrap(
        f"Of {scores.normals} normal films of {scores.patients} patients of 2 to 17 years (NIH, "
        f"RSNA "
        f"readers), the share left normal is {show(scores.specificity)}. There is no pneumonia of "
        f"6 "
        "to 17 years in any set, so how many are found at that age is not known."
    )


def _describe_trunk(training: Mapping[str, Any]) -> str:
    arguments = training["arguments"]
    dense = " and ".join(str(units) for units in arguments["dense"])
    return (
        "conv1 to conv4 hold ImageNet weights and were not trained. conv5 and its head of "
        f"{dense} units were trained for {arguments['epochs']} epochs on {arguments['views']} "
        "augmented views of each image, then a second such head on conv4 alone; the logit is the "
        "mean of both. Both classes have the same total weight. Seed "
        f"{arguments['seed']}, weight {arguments['consistency']} of the variance between views, "
        f"code "
        f"`{training['commit']}`."
    )
