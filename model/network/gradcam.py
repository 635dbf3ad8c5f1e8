"""Heat map and distance, computed in the same forward pass as the logit.

The network pools its features and ends in small heads of Dense layers, so the gradient of the logit
with respect to the features is a few matrix products, which are written out here.
"""

import keras
from keras import ops

from model.serving.density import FeatureDensity

POOLED_SUFFIX = "_pooled"
HEAD_SUFFIX = "_head"
_FEATURES = ("inner_conv4", "inner_conv5", "fused")
FEATURES_OF_DENSITY = "conv4_block6_out"
BASE_STRIDE = 16
"""Pixels of the image to a cell of conv4, the grid of the heat map."""


def pooled_features(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers whose outputs are pooled, each for its own head; the finest grid first."""
    names = {layer.name for layer in network.layers}
    return [network.get_layer(name) for name in _FEATURES if name + POOLED_SUFFIX in names]


def list_relus(network: keras.Model, features: str) -> list[keras.layers.Layer]:
    """The ReLU of each Dense layer in the head on `features`, in forward order."""
    start = f"{features}{HEAD_SUFFIX}_dense"
    layers = [layer for layer in network.layers if layer.name.startswith(start)]
    return [layer for layer in layers if isinstance(layer, keras.layers.ReLU)]


@keras.saving.register_keras_serializable("pneumonia")
class GradCam(keras.layers.Layer):
    """Grad-CAM (Selvaraju et al. 2017) of the logit, without automatic differentiation.

    Inputs: for each head, the finest grid first, its features (N, h, w, c) and the output (N,
    units) of each of its ReLUs. Output: (N, S, S) for an image of 16 S pixels, not negative, in
    units of the logit. The logit is the mean of the heads, so the maps of all heads are averaged; a
    cell of a coarser grid is spread over the finer cells that it covers. The edge that the pooling
    leaves out is zero.
    """

    def __init__(self, network: keras.Model, **options: object) -> None:
        super().__init__(**options)
        self._network = network
        self._names = [layer.name for layer in pooled_features(network)]

    def call(self, inputs: list[list[keras.KerasTensor]]) -> keras.KerasTensor:
        """The heat map; see the class."""
        finest, heat = inputs[0][0].shape[1], 0.0
        for name, (features, *relus) in zip(self._names, inputs, strict=True):
            gradient = self._differentiate(f"{name}{HEAD_SUFFIX}", relus)[:, None, None, :]
            coarse = ops.sum(features * self.weigh(features, gradient), axis=-1)
            spread = finest // features.shape[1]
            coarse = ops.repeat(ops.repeat(coarse, spread, axis=1), spread, axis=2)
            heat = heat + coarse / (features.shape[1] * spread) ** 2
        edge = (self._network.input.shape[1] // BASE_STRIDE - finest) // 2
        return ops.pad(ops.relu(heat / len(self._names)), ((0, 0), (edge, edge), (edge, edge)))

    def weigh(self, features: keras.KerasTensor, gradient: keras.KerasTensor) -> keras.KerasTensor:
        """The weight (N, 1, 1, c) of each channel: its gradient (N, 1, 1, c).

        `features` are (N, h, w, c); `gradient` is with respect to their mean over the grid.
        """
        del features  # other maps need them
        return gradient

    def _differentiate(self, head: str, relus: list[keras.KerasTensor]) -> keras.KerasTensor:
        """The gradient (N, c) of the head's logit with respect to its pooled features."""
        gradient = ops.transpose(self._network.get_layer(f"{head}_logit").kernel)
        for index in range(len(relus), 0, -1):
            gradient = gradient * ops.cast(relus[index - 1] > 0, "float32")
            gradient = gradient * self._slope(f"{head}_dense{index}_bn")
            kernel = self._network.get_layer(f"{head}_dense{index}").kernel
            gradient = ops.matmul(gradient, ops.transpose(kernel))
        return gradient * self._slope(f"{head}_bn")

    def _slope(self, name: str) -> keras.KerasTensor | float:
        """The factor of batch normalisation; 1 in a head without it."""
        if name not in {layer.name for layer in self._network.layers}:
            return 1.0
        norm = self._network.get_layer(name)
        return norm.gamma / ops.sqrt(norm.moving_variance + norm.epsilon)


@keras.saving.register_keras_serializable("pneumonia")
class GradCamPlusPlus(GradCam):
    """Grad-CAM++ (Chattopadhyay et al. 2018) of the same network, to compare the heat map with.

    Its pixel weights are alpha = g^2 / (2 g^2 + g^3 sum(A)), of the gradient g of one cell. Behind
    average pooling over n cells g is the same in all of them, the n-th part of the gradient of the
    mean G, so a channel's weight is n alpha relu(g) = relu(G) / (2 + G mean(A)).
    """

    def weigh(self, features: keras.KerasTensor, gradient: keras.KerasTensor) -> keras.KerasTensor:
        """The weight (N, 1, 1, c) of each channel; see the class."""
        pooled = ops.mean(features, axis=(1, 2), keepdims=True)
        raised = ops.relu(gradient)  # features behind a ReLU are not negative: no division by 0
        return raised / (2 + raised * pooled)


def build_serving_network(network: keras.Model, density: FeatureDensity) -> keras.Model:
    """The same network with three outputs.

    `logit` (N, 1), `heatmap` (N, S, S), and `distance` (N,), which is `density.measure` of the
    pooled conv4.
    """
    outputs = {
        "logit": network.get_layer("logit").output,
        "heatmap": GradCam(network, name="heatmap")(_list_heads(network)),
        "distance": density.measure(build_feature_network(network).output),
    }
    return keras.Model(network.input, outputs, name="serving")


def build_map_network(network: keras.Model) -> keras.Model:
    """The same network with two maps (N, S, S): `heatmap` as served, and `plusplus`."""
    heads = _list_heads(network)
    outputs = {
        "heatmap": GradCam(network, name="heatmap")(heads),
        "plusplus": GradCamPlusPlus(network, name="plusplus")(heads),
    }
    return keras.Model(network.input, outputs, name="maps")


def _list_heads(network: keras.Model) -> list[list[keras.KerasTensor]]:
    """The inputs of `GradCam`: for each head, its features and the outputs of its ReLUs."""
    return [
        [features.output, *(relu.output for relu in list_relus(network, features.name))]
        for features in pooled_features(network)
    ]


def build_feature_network(network: keras.Model) -> keras.Model:
    """Image -> the pooled conv4 (N, 1024), the features of `FeatureDensity`."""
    features = network.get_layer(FEATURES_OF_DENSITY).output
    return keras.Model(network.input, ops.mean(features, axis=(1, 2)), name="features")
