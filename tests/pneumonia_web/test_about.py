"""The page about the model says what its artifact says."""

import html
import json

from pneumonia_web.about import read_about
from tests.pneumonia_web.visitor import Visitor
from tests.stack import ROOT

ARTIFACT = ROOT / "model" / "artifact" / "pneumonia.json"


def test_page_has_the_figures_of_the_model_that_runs(doctor: Visitor) -> None:
    """With their intervals, its ages, its band and its version; and what it cannot do."""
    page = html.unescape(doctor.get("/about").text).replace("\N{NO-BREAK SPACE}", " ")
    artifact = json.loads(ARTIFACT.read_text())
    test = artifact["scores"]["test"]
    for name in ("sensitivity", "specificity", "auc_roc"):
        value, low, high = (f"{100 * each:.1f}" for each in test[name])
        assert f"{value} % ({low} to {high} %)" in page, name
    ages = artifact["ages"]
    for said in (
        f"{test['images']} X-rays of {test['patients']} children",
        f"patients aged {ages['youngest']} to {ages['oldest']}",
        f"From {100 * artifact['uncertain']['low']:.0f} % to below",
        "Not a medical device",
        "It knows no other disease",
        "Running: X-rays are analysed as they arrive.",
        "Contact</dt><dd>Your administrator",
        "What changed",
    ):
        assert said in page, said


def test_page_of_an_earlier_artifact_states_less() -> None:
    """It had neither ages nor a band."""
    artifact = {"version": "abc", **json.loads(ARTIFACT.read_text())}
    for name in ("ages", "uncertain", "training"):
        del artifact[name]
    found = read_about(artifact)
    assert (found.ages, found.uncertain, found.trained) == (None, None, None)
    assert found.threshold == artifact["threshold"]


def test_every_page_leads_there_after_log_in(doctor: Visitor) -> None:
    """And before it none does, because the figures come from the API."""
    assert 'href="/about"' in doctor.get("/xrays").text
    assert 'href="/about"' not in Visitor(doctor.url).get("/login").text
    assert Visitor(doctor.url).get("/about").url.endswith("/login?next=/about")
