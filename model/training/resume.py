"""Resuming a killed run: what OUT/resume holds from the first epoch to the end of the run."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import keras

from model.training.settings import InputError

History = dict[str, list[float]]
"""Loss and metrics by name, one value for each epoch; validation's begin with `val_`."""

RESUME = "resume"
BEST_WEIGHTS = "best.weights.h5"
HEAD_FOLDER = "head"
"""Subfolder of OUT in which the head on conv4 is trained."""

_STATE = "state.json"


class RunError(InputError):
    """The run cannot begin or resume; the message is one sentence."""


def open_run(out: Path, identity: Mapping[str, str]) -> None:
    """Prepare `out`: clean it for a new run, or leave it as it is for a killed one to resume.

    `identity` is what the result depends on. Raises RunError when the killed run in `out` depended
    on something else.
    """
    file = out / RESUME / "run.json"
    if file.exists():
        try:
            killed = json.loads(file.read_text())
        except ValueError as error:
            raise RunError(
                f"{file} is damaged; remove {file.parent} to start the run from the beginning."
            ) from error
        changed = [name for name in identity if killed.get(name) != identity[name]]
        if changed:
            raise RunError(
                f"A run with other {', '.join(changed)} was not finished in {out}: start that one "
                f"again, remove {out / RESUME}, or give another --out."
            )
        return
    shutil.rmtree(out / "logs", ignore_errors=True)
    # The head's state is left when someone removed OUT/resume, as the messages above suggest.
    for folder in (out, out / HEAD_FOLDER):
        shutil.rmtree(folder / RESUME, ignore_errors=True)
    file.parent.mkdir(parents=True)
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps(identity, indent=2))
    partial.rename(file)


def close_run(out: Path) -> None:
    """Remove what only a killed run needs; the next run in `out` starts from the beginning."""
    shutil.rmtree(out / RESUME)
    (out / BEST_WEIGHTS).unlink()


class Backup(keras.callbacks.Callback):
    """Saves weights, optimizer and history at the beginning of each epoch but the first.

    The state file names the weights and is replaced atomically, so a kill at any moment leaves a
    complete backup. Keras's BackupAndRestore saves neither the best epoch nor the history, and
    would save the averaged weights instead of the trained ones.
    """

    def __init__(self, folder: Path, history: History, first_epoch: int) -> None:
        super().__init__()
        self._folder, self._history, self._first = folder, history, first_epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save the state; called by Keras."""
        if epoch == self._first:
            return
        weights = self._folder / f"epoch-{epoch}.weights.h5"
        self.model.save_weights(weights)
        partial = self._folder / f"{_STATE}.part"
        partial.write_text(
            json.dumps({"epoch": epoch, "weights": weights.name, "history": self._history})
        )
        partial.replace(self._folder / _STATE)
        for old in self._folder.glob("*.weights.h5"):
            if old != weights:
                old.unlink()


def restore(model: keras.Model, folder: Path) -> tuple[int, History]:
    """Load what `Backup` saved into a compiled model.

    Returns the index of the epoch to continue with, and the history until then: 0 and {} without a
    backup. Raises RunError.
    """
    if not (folder / _STATE).exists():
        return 0, {}
    try:
        state = json.loads((folder / _STATE).read_text())
        model.optimizer.build(model.trainable_variables)
        model.load_weights(folder / state["weights"])
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            f"What a killed run left in {folder} is damaged; remove it to start the run from the "
            "beginning."
        ) from error
    print(f"Resuming with epoch {state['epoch'] + 1}.")
    return state["epoch"], state["history"]
