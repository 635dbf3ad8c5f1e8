"""The files of a published model: their names in the store, and their places on a machine.

In the store, all are under VERSION/, the export under VERSION/serving/. On a machine, artifacts and
exports have different parent folders, each with a folder for every version.
"""

from collections.abc import Iterable
from pathlib import Path

from model.serving.artifact import METADATA_NAME, OOD_NAME, WEIGHTS_NAME
from model.serving.export import EXPORT_FILES
from model.serving.golden import GOLDEN_NAME
from model.serving.manifest import MANIFEST_NAME

CARD_NAME = "MODEL_CARD.md"
_EXPORT = "serving/"

PUBLISHED_FILES = frozenset(
    [
        *(WEIGHTS_NAME, OOD_NAME, METADATA_NAME, GOLDEN_NAME),
        *(f"{_EXPORT}{name}" for name in (*EXPORT_FILES, MANIFEST_NAME)),
    ]
)
"""Without the model card, which is optional."""


def place_files(names: Iterable[str], artifact: Path, export: Path) -> dict[str, Path]:
    """The local path of each published name; `artifact` and `export` are folders of one version."""
    return {
        name: (export if name.startswith(_EXPORT) else artifact) / Path(name).name for name in names
    }
