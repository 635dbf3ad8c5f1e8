"""The reporting checklists: complete, and every answer has its figures or its reason."""

import re
from dataclasses import replace

import pytest

from model.evaluation import claim, tripod
from model.evaluation.checklists import Item, list_facts, read_items, write_checklists
from model.evaluation.results import Results, read_results
from model.serving.artifact import ArtifactError, read_artifact
from tests.figures import find_untraced
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"
PARTS = {
    **{3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc"},
    **{23: "ab", 27: "abc"},
}
"""Items of TRIPOD+AI that have parts."""

TRIPOD, CLAIM = read_items(tripod.TEXT), read_items(claim.TEXT)


@pytest.fixture(scope="module")
def results() -> Results:
    """Those of the shipped artifact."""
    return read_results(SHIPPED, read_artifact(SHIPPED))


def test_every_item_is_there_once_and_in_order() -> None:
    """27 items of TRIPOD+AI with their parts, 44 of CLAIM."""
    assert [item.number for item in TRIPOD] == [
        f"{number}{part}" for number in range(1, 28) for part in PARTS.get(number, [""])
    ]
    assert [item.number for item in CLAIM] == [str(number) for number in range(1, 45)]


@pytest.mark.parametrize("item", [*TRIPOD, *CLAIM], ids=lambda item: item.topic)
def test_answer_is_a_sentence_without_typed_figures(item: Item) -> None:
    """What is measured is filled in; a number in the words is a year or a citation."""
    assert len(item.text) > 15
    assert item.text.rstrip(")").endswith("."), item.text
    words = re.sub(r"\{\w+\}", "", item.text)
    known = [
        phrase
        for phrase in (
            "Kermany et al. 2018",
            "95 % intervals",
            "doi 10.17632/rscbjbr9sj",
            "CC BY-NC-SA 4.0",
            "6 to 17 years",
            "Apache-2.0",
        )
        if phrase in words
    ]
    assert find_untraced(words, (), known) == []


def test_page_has_the_figures_of_the_results(results: Results) -> None:
    """Another report gives another page; the counts of what is not done are at its head."""
    lists = {tripod.TITLE: tripod.TEXT, claim.TITLE: claim.TEXT}
    page = " ".join(write_checklists(results, lists).split())
    assert results.report
    sensitivity = list_facts(results)["sensitivity"]
    assert f"sensitivity {sensitivity}" in page
    done = [item for item in CLAIM if item.status == "not done"]
    assert f"{len(done)} not done" in page
    assert "{" not in page


def test_without_a_report_there_is_no_page(results: Results) -> None:
    """Named, with the command."""
    with pytest.raises(ArtifactError, match="make report"):
        write_checklists(replace(results, report=None), {})


@pytest.mark.parametrize(
    "text", ["1. Title\nNo status.", "1. Title (perhaps)\nNo.", "1. A (not done)"]
)
def test_item_without_status_or_answer_is_refused(text: str) -> None:
    """A slip in the text is not an item that is left out."""
    with pytest.raises(ValueError, match="head of an item"):
        read_items(text)
