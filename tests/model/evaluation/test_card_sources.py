"""`model.evaluation.card_sources`: what the card says of films and training, by the record."""

from model.evaluation.bootstrap import Estimate
from model.evaluation.card_sources import (
    describe_data,
    describe_patients,
    describe_training,
    list_exclusions,
    show_older_children,
    show_shares,
)
from model.evaluation.sources import SourceScores
from model.reading.ages import AgeBand

ONE_RUN = {
    "arguments": {"dense": [256], "epochs": 6, "views": 5, "consistency": 0.1, "seed": 20},
    "commit": "abc",
}
TWO_RUNS = {
    "arguments": {
        "dense": [],
        "views": 4,
        "head_epochs": 48,
        "align": {"source": "rsna_nih_normals", "directions": 6},
    },
    "initial": ONE_RUN,
}


def test_children_alone_have_one_source_and_no_list() -> None:
    """A model of one collection says so, and adults are not for it."""
    text = describe_data(["kermany"])
    assert text.startswith("Kermany et al. 2018") and "- `" not in text
    assert describe_patients(AgeBand(1, 5)) == "children aged 1 to 5"
    assert list_exclusions(AgeBand(1, 5)).startswith("adults")


def test_classes_of_different_sources_are_named_as_the_trap_that_they_are() -> None:
    """Each source is listed, an unknown one by name, and the reader learns what that means."""
    text = describe_data(["hannover", "kermany", "rsna_nih_normals", "ward"])
    assert text.count("- `") == 4
    assert "`ward`: a source that its CSV file of labels names." in text
    assert "the source alone would tell them apart" in " ".join(text.split())
    assert describe_patients(AgeBand(1, 120)) == "patients aged 1 to 120"
    assert "adults" not in list_exclusions(AgeBand(1, 120))


def test_both_runs_are_described() -> None:
    """One run in one paragraph; after a second one both, and what was removed between them."""
    assert "Second run" not in describe_training(ONE_RUN)
    assert "256 units were trained for 6 epochs on 5 augmented views" in " ".join(
        describe_training(ONE_RUN).split()
    )
    text = " ".join(describe_training(TWO_RUNS).split())
    assert "**First run**" in text and "256 units" in text
    assert "linear" in text and "48 epochs" in text
    assert "the 6 directions that best tell `rsna_nih_normals`" in text


def test_share_of_a_source_and_older_children_are_said() -> None:
    """What was not measured is not claimed."""
    assert show_shares({}) == ""
    assert show_shares({"hannover": 0.9}) == ", and 90 % of those of `hannover`"
    assert show_older_children(None) == "Older children: not measured."
    scores = SourceScores(97, 0, 90, specificity=Estimate(0.9, 0.8, 0.95))
    text = " ".join(show_older_children(scores).split())
    assert "97 normal films of 90 patients" in text and "0.900 (0.800 to 0.950)" in text
