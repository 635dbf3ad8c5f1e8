"""The same answer to two views of one X-ray: a penalty in training."""

from typing import Any

import keras
from keras import ops


class ViewVariance(keras.losses.Loss):
    """Variance of the logit between the two views of each image; rows 2i and 2i + 1 are a pair.

    What differs between two views of one X-ray is the scanner's and the technician's, so it must
    not move the answer (Heinze-Deml and Meinshausen 2017, "Conditional variance penalties").
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Probabilities (2N, 1) -> the variance within each one's pair, (2N,)."""
        edge = keras.config.epsilon()
        probability = ops.clip(y_pred, edge, 1 - edge)
        first, second = ops.unstack(
            ops.reshape(ops.log(probability) - ops.log1p(-probability), (-1, 2)), axis=1
        )
        return ops.repeat(ops.square(first - second) / 4, 2)


class PairedViews(keras.Model):
    """Adds `consistency` times the ViewVariance to the loss of training."""

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
        """Keras calls this in each step."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if training and self._consistency:
            loss += self._consistency * self._variance(y, y_pred, sample_weight)
        return loss
