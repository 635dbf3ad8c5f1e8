"""`model.evaluation.precisions`: how far another precision is from float32, on real X-rays."""

from pathlib import Path

import pytest

from model.evaluation.precisions import Sample, compare, main
from model.evaluation.precisions_file import PRECISIONS_NAME, read_precisions_file
from model.serving import precision as precisions
from model.serving.precision import Tolerance, list_supported
from model.serving.predictor import Predictor
from tests.variant import SERVING, SHIPPED

needs_bfloat16 = pytest.mark.skipif(
    "bfloat16" not in list_supported(), reason="this processor does not compute in bfloat16"
)


@needs_bfloat16
def test_samples_are_compared(samples: list[Path], predictor: Predictor) -> None:
    """Both classes, without the unreadable one; every answer differs a little, none in effect
    as it is served."""
    given = [Sample(path, int("bacteria" in path.name)) for path in samples]
    other = Predictor(SHIPPED, SERVING, precision="bfloat16")
    unreadable = Sample(SHIPPED / "pneumonia.json", 0)
    found = compare(predictor, other, [*given, unreadable])
    assert found.images == len(samples)
    assert 0 < found.logit <= precisions.TOLERANCES["bfloat16"]["logit"].absolute
    assert 0 < found.probability < 0.02
    assert found.differ == found.furthest == 0
    assert found.differ_alone <= 1  # across an end of the uncertain band, without float32
    assert found.auc == found.auc_float32 == 1


@needs_bfloat16
def test_float32_answers_what_rounding_may_change(
    samples: list[Path], predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a tolerance that reaches every limit, all is computed again and nothing differs."""
    other = Predictor(SHIPPED, SERVING, precision="bfloat16")
    wide = dict.fromkeys(precisions.TOLERANCES["bfloat16"], Tolerance(100.0, 0.0))
    monkeypatch.setitem(precisions.TOLERANCES, "bfloat16", wide)
    found = compare(predictor, other, [Sample(path, -1) for path in samples[:4]])
    assert found.computed_again == found.images == 4
    assert found.probability == found.heatmap == found.ood == 0
    assert found.auc is None


def test_processor_without_another_precision_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit status 1, and no file."""
    monkeypatch.setattr("model.evaluation.precisions.list_supported", lambda: ["float32"])
    assert main(["--artifact", str(tmp_path), "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / PRECISIONS_NAME).exists()


def test_shipped_figures_hold_the_promise() -> None:
    """On every set no decision, refusal or warning differs: what bfloat16 alone would decide
    otherwise is so close to the threshold that it is computed again.

    A difference of the logit moves the probability by a quarter of it at most.
    """
    reach = precisions.TOLERANCES["bfloat16"]["logit"].absolute / 4
    for sets in read_precisions_file(SHIPPED / PRECISIONS_NAME).precisions.values():
        assert {"validation", "official test", "NIH adults"} <= sets.keys()
        for name, found in sets.items():
            assert found.differ == 0, name
            assert found.furthest <= reach, name
        test = sets["official test"]
        assert test.auc_float32 == pytest.approx(test.auc, abs=0.002)
