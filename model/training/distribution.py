"""Training on one device, on all GPUs of a machine, or on several machines.

On several machines, run the same command on each with its own TF_CONFIG, such as
`{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index":
0}}`. All must be able to read the same data; the first one writes the artifact.
"""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from model.serving.precision import list_supported
from model.training.batches import Batches
from model.training.settings import InputError


class DistributionError(InputError):
    """The requested devices are not available; the message is one sentence."""


def use_mixed_precision(wanted: bool) -> None:
    """Set Keras's policy for new layers: float16 on a GPU, bfloat16 on a processor that has it.

    Variables stay float32 (Micikevicius et al. 2018). Raises DistributionError.
    """
    policy = "float32"
    if wanted and tf.config.list_physical_devices("GPU"):
        policy = "mixed_float16"
    elif wanted and "bfloat16" in list_supported():
        policy = "mixed_bfloat16"
    elif wanted:
        raise DistributionError(
            "--mixed-precision needs a GPU, or a processor that computes in bfloat16; this machine "
            "has neither."
        )
    keras.mixed_precision.set_global_policy(policy)


def make_strategy(name: str) -> tf.distribute.Strategy:
    """`one`, `mirrored` or `multiworker`. Raises DistributionError."""
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "multiworker":
        if not os.environ.get("TF_CONFIG"):
            raise DistributionError(
                "--strategy multiworker needs TF_CONFIG: the addresses of all machines, and which "
                "of them this one is."
            )
        _check_machines(os.environ["TF_CONFIG"])
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def _check_machines(text: str) -> None:
    try:
        given = json.loads(text)
        machines, index = given["cluster"]["worker"], given["task"]["index"]
        known = isinstance(machines, list) and isinstance(index, int)
        known = known and 0 <= index < len(machines)
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise DistributionError(
            "TF_CONFIG does not name all machines and which of them this one is; see the example "
            "in model/training/distribution.py."
        )


def check_pairs(strategy: tf.distribute.Strategy, batch: int) -> None:
    """Raise DistributionError when the two views of an image would go to different devices."""
    devices = strategy.num_replicas_in_sync // find_shard(strategy)[1]
    if devices > 1 and batch % (2 * devices):
        raise DistributionError(
            f"--consistency needs a --batch that is a multiple of {2 * devices}, two views for "
            f"each of {devices} GPUs."
        )


def find_shard(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """The index of this machine and the number of machines."""
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    return resolver.task_id, len(resolver.cluster_spec().as_dict()["worker"])


def assemble(network: keras.Model, kind: Callable[..., keras.Model]) -> keras.Model:
    """A model of class `kind` with the layers of `network`, to call `fit` on.

    On several machines Keras's `fit` averages its first batch over them to build the model, and
    fails on a PerReplica (keras-team/keras#20585). It skips that for a model that was created
    outside the strategy's scope, as here; its layers and variables were created inside.
    """
    strategy = network.distribute_strategy
    if find_shard(strategy)[1] > 1:
        return kind(network.inputs, network.outputs)
    with strategy.scope():
        return kind(network.inputs, network.outputs)


def prepare_fit(model: keras.Model, batches: Batches, checks: Batches) -> tuple[Any, Any]:
    """The data of training and validation for `model.fit`; call it after `model.compile`.

    On several machines Keras's own step averages the metrics over them, and fails in the same way.
    The steps set here do not: metrics are summed over the machines when they are read.
    """
    strategy = model.distribute_strategy
    if find_shard(strategy)[1] == 1:
        return batches, checks
    model.train_function = _make_step(model, model.train_step)
    model.test_function = _make_step(model, model.test_step)
    return _distribute(strategy, batches), _distribute(strategy, checks)


def _make_step(model: keras.Model, step: Callable[[Any], Any]) -> Callable[[Iterator[Any]], Any]:
    strategy = model.distribute_strategy

    @tf.function(reduce_retracing=True)
    def run(batch: Any) -> Any:
        logs = strategy.run(step, args=(batch,))
        return keras.tree.map_structure(lambda v: strategy.experimental_local_results(v)[0], logs)

    return lambda iterator: run(next(iterator))


def _distribute(
    strategy: tf.distribute.Strategy, batches: Batches
) -> tf.distribute.DistributedDataset:
    """This machine's part of each batch, epoch after epoch without end."""

    def generate() -> Iterator[Any]:
        for index in range(len(batches)):
            yield batches[index]
        batches.on_epoch_end()

    signature = keras.tree.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), tf.float32), batches[0]
    )
    return strategy.distribute_datasets_from_function(
        lambda _: (
            tf.data.Dataset.from_generator(generate, output_signature=signature)
            .repeat()
            .prefetch(2)
        )
    )
