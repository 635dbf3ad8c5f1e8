"""`model.cnn --align`: heads on several sources, on the frozen layers of an earlier run."""

from pathlib import Path

import numpy as np
import pytest

from model.network.backbone import base_layers
from model.network.graph import load_network
from model.reading.dataset import KERMANY
from model.serving.artifact import WEIGHTS_NAME, read_artifact
from tests.model.test_cnn import run, write_adults
from tests.model.training.test_preflight import FITTED, MEASURED, make_images


@pytest.fixture
def adults(tmp_path: Path) -> Path:
    """X-rays of adults, all but one of them healthy."""
    return write_adults(tmp_path / "adults", 6, 2)


def test_heads_are_aligned_on_the_layers_of_an_earlier_run(
    made_data: Path, made_weights: Path, tmp_path: Path, adults: Path
) -> None:
    """ResNet50 stays as it was, both heads are new, and the record says what was removed."""
    first, out = tmp_path / "first", tmp_path / "out"
    assert run(made_data, made_weights, first) == 0
    others = make_images(tmp_path / "others", FITTED, MEASURED)
    more = ["--data", adults, "--align", "adults", "--align-directions", 2]
    more += [
        "--sensitivity-of",
        "adults=0.5",
        "--other-xrays",
        others,
        "--trainable-layers",
        0,
        "--views",
        2,
        "--ages",
        "1-120",
    ]
    weights = first / WEIGHTS_NAME
    assert run(made_data, weights, out, "--cache-features", *more) == 0
    artifact = read_artifact(out)
    assert artifact.training["arguments"]["align"] == {"source": "adults", "directions": 2}
    assert artifact.training["arguments"]["sensitivity_of"] == {"adults": 0.5}
    assert artifact.training["trained_layers"] == []
    assert artifact.training["sources"] == ["adults", KERMANY]
    assert artifact.training["initial"] == read_artifact(first).training
    earlier, network = load_network(weights), load_network(out / WEIGHTS_NAME)
    for one, other in zip(base_layers(earlier), base_layers(network), strict=True):
        for expected, found in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)
    for name in ("inner_conv4_head_dense1", "inner_conv5_head_dense1"):
        assert not np.array_equal(
            earlier.get_layer(name).kernel.numpy(), network.get_layer(name).kernel.numpy()
        )
    assert not list(out.rglob("resume"))
    assert (out / "training.csv").read_text().count("\n") == 3


def test_alignment_without_other_xrays_is_refused(
    made_data: Path, tmp_path: Path, adults: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, before the first epoch; the other refusals are tested without a run."""
    options = ["--data", adults, "--align", "adults", "--trainable-layers", 0]
    assert run(made_data, Path("model/artifact") / WEIGHTS_NAME, tmp_path, *options) == 2
    assert "--align needs --other-xrays" in capsys.readouterr().err
    assert not (tmp_path / WEIGHTS_NAME).exists()


def test_share_of_a_source_without_pneumonias_is_refused(
    made_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before hours of training, and not at their end."""
    assert run(made_data, "none", tmp_path, "--sensitivity-of", "nobody=0.9") == 2
    assert "--sensitivity-of nobody is for no source with pneumonias" in capsys.readouterr().err
