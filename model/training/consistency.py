"""A penalty in training for different outputs on two views of the same X-ray."""

from typing import Any

import keras
from keras import ops


class ViewVariance(keras.losses.Loss):
    """Variance of the logit between the two views of each image; rows 2i and 2i + 1 are a pair.

    Two views of an X-ray differ only in scanner and technique, which must not affect the output
    (Heinze-Deml and Meinshausen 2017, "Conditional variance penalties").
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Probabilities (2N, 1) -> for each row the variance within its pair, (2N,)."""
        edge = keras.config.epsilon()
        probability = ops.clip(y_pred, edge, 1 - edge)
        first, second = ops.unstack(
            ops.reshape(ops.log(probability) - ops.log1p(-probability), (-1, 2)), axis=1
        )
        return ops.repeat(ops.square(first - second) / 4, 2)


class PairedViews(keras.Model):
    """A model whose training loss includes `consistency` times the ViewVariance."""

    def __init__(self, *tensors: Any, consistency: float) -> None:
        super().__init__(*tensors)
        self._consistency, self._variance = consistency, ViewVariance()

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of one step; overrides Keras's."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if training and self._consistency:
            loss += self._consistency * self._variance(y, y_pred, sample_weight)
        return loss
