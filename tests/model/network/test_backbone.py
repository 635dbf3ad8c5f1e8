"""`model.network.backbone`: initial weights, frozen layers, and the trunk."""

from pathlib import Path

import keras
import numpy as np
import pytest

from model.network.backbone import WeightsError, freeze, load_weights, split_network
from model.network.graph import load_network, save_weights_compact
from tests.model.network.small import IMAGE, make_small


def test_weights_survive_loading_and_compact_storage(tmp_path: Path) -> None:
    """Arrays are loaded into their layers, missing ones are named, float16 is restored exactly."""
    network = make_small(kind="dag")
    arrays = {
        f"{layer.name}/{variable.name}": np.full(variable.shape, 0.25, np.float16)
        for layer in network.layers
        for variable in layer.weights
        if layer.name.startswith(("conv1", "conv2"))
    }
    np.savez(tmp_path / "some.npz", **arrays)
    left_out = load_weights(network, str(tmp_path / "some.npz"))
    assert "conv3_block1_1_conv" in left_out
    assert not any(name.startswith(("conv1", "conv2")) for name in left_out)
    assert np.all(network.get_layer("conv2_block1_1_conv").kernel.numpy() == 0.25)

    network = make_small(kind="dag")
    save_weights_compact(network, tmp_path / "half.keras")
    again = load_network(tmp_path / "half.keras")
    np.testing.assert_array_equal(again(IMAGE), network(IMAGE))
    assert {variable.dtype for variable in again.weights} == {"float32"}


def test_trained_network_gives_its_resnet50(tmp_path: Path) -> None:
    """A run can begin with the layers of an earlier one; the heads stay new."""
    earlier, network = make_small(), make_small()
    earlier.get_layer("conv5_block3_3_conv").kernel.assign_add(
        np.ones((1, 1, 512, 2048), np.float32)
    )
    head = network.get_layer("inner_conv5_head_dense1").kernel.numpy()
    save_weights_compact(earlier, tmp_path / "earlier.keras")
    assert load_weights(network, str(tmp_path / "earlier.keras")) == []
    for name in ("conv1_bn", "conv5_block3_3_conv"):
        for found, expected in zip(
            network.get_layer(name).get_weights(),
            earlier.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(network.get_layer("inner_conv5_head_dense1").kernel, head)


def test_file_that_is_no_trained_network_is_reported(tmp_path: Path) -> None:
    """Cut off, of another network, or missing: one sentence names the file."""
    file = tmp_path / "w.keras"
    save_weights_compact(make_small(), file)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(WeightsError, match=r"w\.keras cannot be used"):
        load_weights(make_small(), str(file))
    image = keras.Input((64, 64, 1), name="xray")
    keras.Model(image, keras.layers.Conv2D(1, 3, name="conv1_conv")(image)).save(file)
    with pytest.raises(WeightsError, match=r"w\.keras cannot be used"):
        load_weights(make_small(), str(file))
    with pytest.raises(WeightsError, match=r"gone\.keras cannot be used"):
        load_weights(make_small(), str(tmp_path / "gone.keras"))


@pytest.mark.parametrize(
    ("layers", "fresh", "first", "seams"),
    [
        # conv5 is fresh in part, so all of it is trained; the pooling of conv4 stays in the trunk.
        (15, ["conv5_block2_1_conv"], "conv5_block1_1_conv", [(4, 4, 1024), (1024,)]),
        # The last fifteen begin at the ReLU before this; the shortcut passes by.
        (15, [], "conv5_block2_3_conv", [(2, 2, 2048), (2, 2, 512), (1024,)]),
        (0, [], None, [(1024,), (2048,)]),
    ],
)
def test_trunk_and_rest_are_the_whole_network(
    layers: int, fresh: list[str], first: str | None, seams: list[tuple[int, ...]]
) -> None:
    """Split before the first trained layer, both parts together give the output of the network."""
    network = make_small()
    trained = freeze(network, layers, fresh)
    trunk, rest = split_network(network, network.output)
    assert trained[:1] == ([first] if first else [])
    assert sorted(tensor.shape[1:] for tensor in rest.inputs) == sorted(seams)
    assert not trunk.trainable_weights
    assert len(rest.trainable_weights) == len(network.trainable_weights) > 0
    np.testing.assert_allclose(rest(trunk(IMAGE)), network(IMAGE), atol=1e-6)


def test_frozen_batch_normalisation_keeps_its_statistics() -> None:
    """In training, frozen layers use stored statistics, and trained layers update theirs."""
    network = make_small()
    freeze(network, 15, [])
    before = [variable.numpy() for variable in network.non_trainable_variables]
    network(IMAGE, training=True)
    changed = {
        variable.path.split("/")[0]
        for variable, old in zip(network.non_trainable_variables, before, strict=True)
        if "moving" in variable.path and not np.array_equal(variable.numpy(), old)
    }
    assert "conv5_block3_3_bn" in changed
    assert not any(name.startswith(("conv1", "conv2", "conv3", "conv4")) for name in changed)
    assert not any(name.startswith("conv5_block1") for name in changed)
