"""Every figure in the README and in the model card comes from raw results that are committed."""

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from model.evaluation.card_checks import HEATMAPS_PLOT
from model.evaluation.card_text import CARD
from model.evaluation.evidence import README_MARK, main, write_evidence
from model.evaluation.marks import cut_out, list_marks
from model.evaluation.plots import trace
from model.evaluation.readme_text import describe_model
from model.evaluation.report_file import list_auc
from model.evaluation.results import Results, read_results
from model.serving.artifact import read_artifact
from tests.figures import cut_sections, find_untraced
from tests.stack import ROOT
from tests.variant import link

SHIPPED = ROOT / "model" / "artifact"
README = (ROOT / "README.md").read_text()
WRITTEN = (README_MARK, "peers")
"""The parts of the README that a command writes; `tests/bench/test_document.py` has the other."""

TABLES = ("Settings", "Commands")
"""Sections of the README whose numbers are values of the code: `tests/test_readme.py`."""

README_KNOWS = (
    "Python 3.11, 3.12 or 3.13",  # pyproject.toml
    "children aged 1 to 5",  # of Kermany et al., and the others in `model.evaluation.sets`
    "between 6 and 17 years",
    "about 1 GB of packages",
    "PNG (8 and 16 bit)",
    "of 8 to 16 bits",
    "Kermany et al. 2018",
    "CC BY 4.0",
    "CC BY-NC-SA 4.0",
    "images of 224 px",  # the artifact's side
    "published ResNet-50 went from AUC 0.95 on this test set to 0.54 "
    "elsewhere",  # Xin 2021, see card
    "10.17632/rscbjbr9sj",
    "Apache-2.0",
)

SCREENSHOTS = {"docs/result.png", "docs/worklist.png", "docs/dashboards/overview.png"}


@pytest.fixture(scope="module")
def results() -> Results:
    """Those of the shipped artifact."""
    return read_results(SHIPPED, read_artifact(SHIPPED))


def test_readme_says_what_the_results_say(results: Results) -> None:
    """Its marked part is what `make evidence` writes; a figure that is edited there fails."""
    assert cut_out(README, README_MARK).strip() == describe_model(results).strip()
    assert list_marks(README) == list(WRITTEN)


def find_untraced_in_readme(text: str) -> list[str]:
    """Numbers in the README without a raw result."""
    return find_untraced(cut_sections(text, TABLES), WRITTEN, README_KNOWS)


def test_readme_has_no_figure_of_its_own() -> None:
    """Outside of what commands write there is no number but those of known phrases."""
    assert find_untraced_in_readme(README) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("It has AUC 0.993.", "0.993"),
        ("It finds 97 % of them.", "97"),
        ("It takes 12 ms.", "12"),
        ("It misses 3 of 1,000 pneumonias.", "1,000"),
    ],
)
def test_planted_figure_is_found(planted: str, found: str) -> None:
    """The search itself, in the README: a typed figure is named."""
    before, after = README.split("## Watching it")
    numbers = find_untraced_in_readme(f"{before}{planted}\n\n## Watching it{after}")
    assert numbers
    assert numbers[-1].endswith(found)


def test_exception_that_excuses_nothing_is_refused() -> None:
    """A known phrase that the text no longer has."""
    with pytest.raises(ValueError, match="aged 9"):
        find_untraced("Children aged 1 to 5.", (), ("aged 9",))


def test_pictures_are_screenshots_or_drawn_from_the_results(results: Results) -> None:
    """A plot says which figures it was drawn from, and they are those beside the weights."""
    assert results.report
    drawn = {
        "evaluation.png": asdict(results.report.test),
        "auc.png": list_auc(results.report),
        "training.png": results.artifact.training["history"],
        **({HEATMAPS_PLOT: asdict(results.heatmaps)} if results.heatmaps else {}),
    }
    card = (SHIPPED / "MODEL_CARD.md").read_text()
    shown = set(re.findall(r"!\[[^]]+\]\(([^)]+)\)", card))
    assert shown == set(drawn)
    for name, figures in drawn.items():
        with Image.open(SHIPPED / name) as picture:
            assert picture.info == {**picture.info, "Description": trace(figures)}, name
    assert set(re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)) == SCREENSHOTS


def copy_sources(folder: Path) -> Path:
    """A copy of the artifact and of the documents, to write into; the artifact's folder."""
    (folder / "docs").mkdir()
    shutil.copy(ROOT / "README.md", folder)
    return Path(shutil.copytree(SHIPPED, folder / "artifact", copy_function=link))


def list_contents(folder: Path) -> dict[str, bytes]:
    """All files with their bytes, but for the weights."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".keras")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_second_run_is_byte_identical(tmp_path: Path) -> None:
    """Twice from the same results: the same bytes in every document and picture."""
    artifact = copy_sources(tmp_path)
    write_evidence(artifact, tmp_path)
    first = list_contents(tmp_path)
    write_evidence(artifact, tmp_path)
    assert list_contents(tmp_path) == first


def test_what_is_committed_is_what_the_results_give(tmp_path: Path) -> None:
    """`make evidence` changes nothing in a clean checkout."""
    artifact = copy_sources(tmp_path)
    write_evidence(artifact, tmp_path)
    written = list_contents(tmp_path)
    for name, content in written.items():
        place = "model" if name.startswith("artifact/") else "."
        assert content == (ROOT / place / name).read_bytes(), name


def test_figure_that_changes_changes_the_documents(tmp_path: Path) -> None:
    """The documents follow the results: another sensitivity is in the README and in the card."""
    artifact = copy_sources(tmp_path)
    report = artifact / "report.json"
    figures = json.loads(report.read_text())
    figures["uncertain"]["official test"]["uncertain"] = 7
    figures["external"]["unlabelled"]["pneumonia"] = 8
    report.write_text(json.dumps(figures))
    assert main(["--artifact", str(artifact), "--root", str(tmp_path)]) == 0
    assert "7 of the 624 images" in (tmp_path / "README.md").read_text()
    assert "8 were called" in (artifact / "MODEL_CARD.md").read_text()


def test_artifact_without_a_report_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the command, exit status 1, and nothing is written."""
    artifact = copy_sources(tmp_path)
    (artifact / "report.json").unlink()
    before = list_contents(tmp_path)
    assert main(["--artifact", str(artifact), "--root", str(tmp_path)]) == 1
    assert "make report" in capsys.readouterr().err
    assert list_contents(tmp_path) == before


CARD_KNOWS = (
    *(f"## {part}." for part in range(1, 11)),
    "Brackets hold 95 % intervals",
    "about 25 pairs within the training images, 6 within the test "
    "set",  # the data's own description
    "(He et al. 2015)",
    "SHA-256",
    "(Lin et al. 2017)",
    "at a threshold of 0.5",  # model/training/ablation.py
    "(Kingma and Ba 2015)",
    "(Dozat 2016)",
    "(Zeiler 2012)",
    "(Wang et al. 2017)",
    "(Shih et al. 2019)",
    "from 0 to 1",
    "(Selvaraju et al. 2017)",
    "ResNet-50 fell from AUC 0.95 on this test set to 0.54 on another hospital's images (Xin 2021)",
    "misses from 2.7 % to between 21 and 33 % (Bernstein et al. 2023)",
)
"""Literature, names and definitions; no figure of this model."""


def test_card_has_no_figure_of_its_own() -> None:
    """The words of the card have no number but those of known phrases; figures are filled in."""
    words = re.sub(r"\{[^}]*\}", "", CARD)
    assert find_untraced(words, (), CARD_KNOWS) == []
