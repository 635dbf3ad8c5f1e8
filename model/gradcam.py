"""What serving asks beside the logit, from the same forward pass: heat map and distance.

Both networks pool their features and end in a small head of Dense layers. The gradient of the logit
by the features is then a few matrix products, so it is written out by hand.
"""

import keras
from keras import ops

from model.ood import FeatureDensity

POOLED_SUFFIX = "_pooled"
_FEATURES = ("inner_conv4", "inner_conv5", "fused")
FEATURES_OF_DENSITY = "conv4_block6_out"
BASE_STRIDE = 16
"""Pixels of the image to a cell of conv4, the grid of the heat map."""


def pooled_features(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers whose outputs the head pools, in the order in which it concatenates them."""
    names = {layer.name for layer in network.layers}
    return [network.get_layer(name) for name in _FEATURES if name + POOLED_SUFFIX in names]


@keras.saving.register_keras_serializable("pneumonia")
class GradCam(keras.layers.Layer):
    """Grad-CAM (Selvaraju et al. 2017) of the logit, written out by hand for one forward pass.

    Inputs: the pooled features (N, h, w, c), one tensor or more, the finest first, then each Dense
    layer's ReLU output (N, units). Output: (N, S, S) for an image of 16 S pixels, not negative, in
    units of the logit: the sum of all maps, a cell of a coarser one spread over the finer cells
    that it covers; zero at the edge that the pooling leaves out.
    """

    def __init__(self, network: keras.Model, **options: object) -> None:
        super().__init__(**options)
        self._network = network
        self._maps = len(pooled_features(network))

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """See the class."""
        maps, activations = inputs[: self._maps], inputs[self._maps :]
        gradient = ops.transpose(self._network.get_layer("logit").kernel)
        for index in range(len(activations), 0, -1):
            gradient = gradient * ops.cast(activations[index - 1] > 0, "float32")
            gradient = gradient * self._slope(f"dense{index}_bn")
            kernel = self._network.get_layer(f"dense{index}").kernel
            gradient = ops.matmul(gradient, ops.transpose(kernel))
        gradient = (gradient * self._slope("pooled_bn"))[:, None, None, :]
        finest, heat, channel = maps[0].shape[1], 0.0, 0
        for features in maps:
            _, height, width, channels = features.shape
            part = gradient[..., channel : channel + channels]
            coarse = ops.sum(features * part, axis=-1) / (height * width)
            spread = finest // height
            coarse = ops.repeat(ops.repeat(coarse, spread, axis=1), spread, axis=2)
            heat = heat + coarse / spread**2
            channel += channels
        edge = (self._network.input.shape[1] // BASE_STRIDE - finest) // 2
        return ops.pad(ops.relu(heat), ((0, 0), (edge, edge), (edge, edge)))

    def _slope(self, name: str) -> keras.KerasTensor | float:
        """What batch normalisation multiplies by; 1 in a head that was built without."""
        if name not in {layer.name for layer in self._network.layers}:
            return 1.0
        norm = self._network.get_layer(name)
        return norm.gamma / ops.sqrt(norm.moving_variance + norm.epsilon)


def build_serving_network(network: keras.Model, density: FeatureDensity) -> keras.Model:
    """The same network with three outputs from one pass.

    `logit` (N, 1), `heatmap` (N, S, S), and `distance` (N,), that of `density` for pooled conv4.
    """
    inner = [layer.output for layer in pooled_features(network)]
    relus = [layer for layer in network.layers if layer.name.startswith("dense")]
    relus = [layer.output for layer in relus if isinstance(layer, keras.layers.ReLU)]
    outputs = {
        "logit": network.get_layer("logit").output,
        "heatmap": GradCam(network, name="heatmap")([*inner, *relus]),
        "distance": density.measure(build_feature_network(network).output),
    }
    return keras.Model(network.input, outputs, name="serving")


def build_feature_network(network: keras.Model) -> keras.Model:
    """Image -> the pooled conv4 (N, 1024) on which a density is fitted."""
    features = network.get_layer(FEATURES_OF_DENSITY).output
    return keras.Model(network.input, ops.mean(features, axis=(1, 2)), name="features")
