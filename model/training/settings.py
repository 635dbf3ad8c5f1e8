"""The settings of a training run, as frozen dataclasses; `command_line` parses them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from model.reading.ages import AgeBand


class InputError(ValueError):
    """The run cannot begin with the inputs it was given; the message is one sentence."""


@dataclass(frozen=True)
class AlignmentOptions:
    """How many directions that tell `source` from the others are removed from the features."""

    source: str
    directions: int


@dataclass(frozen=True)
class Hyperparameters:
    """What the trained network depends on, apart from data, weights and augmentation.

    Fields are named like their options, in the order in which `pneumonia.json` and the file of a
    killed run record them. `side` is in pixels; shares are from 0 to below 1.
    """

    learning_rate: float
    weight_decay: float
    validation_share: float
    sensitivity: float
    seed: int
    network: Literal["resnet50", "dag"]
    trainable_layers: int
    side: int
    dense: tuple[int, ...]
    dropout: float
    l2: float
    batch_norm: bool
    epochs: int
    head_epochs: int
    patience: int
    batch: int
    loss: Literal["bce", "focal"]
    label_smoothing: float
    consistency: float
    class_weights: Literal["balanced", "none"]
    optimizer: Literal["adam", "nadam", "sgd", "adadelta"]
    cache_features: bool
    views: int
    mixed_precision: bool
    strategy: Literal["one", "mirrored", "multiworker"]
    align: AlignmentOptions | None = None

    def encode(self) -> dict[str, Any]:
        """As they are recorded: without `align` where it is not used, as before there was one, so
        that a run that an earlier release began can be finished."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class RunSettings:
    """Where a run reads and writes on this machine, how it uses it, and its hyperparameters."""

    data: tuple[Path, ...]
    out: Path
    cache: Path | None
    metrics: Path | None
    weights: str
    other_xrays: Path | None
    not_xrays: Path | None
    ages: AgeBand
    workers: int
    hyperparameters: Hyperparameters
