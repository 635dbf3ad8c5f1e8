"""The frozen trunk in bfloat16, by OpenVINO."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from model.network.backbone import freeze, split_network
from model.network.graph import copy_in_float32
from model.serving.precision import list_supported
from model.training.trunk import compile_trunk
from tests.model.network.small import IMAGE, make_small


@pytest.fixture
def mixed() -> Iterator[None]:
    """Keras's policy for training in bfloat16; skips where the processor lacks it."""
    if "bfloat16" not in list_supported():
        pytest.skip("this processor does not compute in bfloat16")
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_global_policy("float32")


def make_trunk() -> keras.Model:
    """The trunk of a network whose conv5 is trained; conv4's and the pooled seam are outputs."""
    network = make_small()
    freeze(network, 32, [])
    return split_network(network, network.output)[0]


@pytest.mark.usefixtures("mixed")
def test_trunk_in_bfloat16_gives_the_features_of_float32() -> None:
    """Each output in its place, of any number of images, within the rounding of 8 bits."""
    trunk = make_trunk()
    assert {layer.compute_dtype for layer in trunk.layers} == {"bfloat16"}
    run = compile_trunk(trunk)
    expected = copy_in_float32(trunk).predict(IMAGE, verbose=0)
    for images, part in ((IMAGE, slice(None)), (IMAGE[:1], slice(1))):
        found = run(images)
        assert [output.shape for output in found] == [output[part].shape for output in expected]
        for output, wanted in zip(found, expected, strict=True):
            difference = np.abs(output - wanted[part]).mean() / np.abs(wanted).mean()
            assert 0 < difference < 0.05


def test_trunk_in_float32_is_that_of_keras() -> None:
    """Bit by bit but for the order of sums."""
    trunk = make_trunk()
    for output, wanted in zip(
        compile_trunk(trunk)(IMAGE), trunk.predict(IMAGE, verbose=0), strict=True
    ):
        np.testing.assert_allclose(output, wanted, rtol=1e-4, atol=1e-4)
