"""Other versions of the shipped model: the same network with different metadata."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from model.serving.artifact import Artifact, read_artifact, write_metadata
from model.serving.export import write_export_manifest
from model.serving.finding import UncertainBand
from tests.stack import ROOT

SHIPPED = ROOT / "model" / "artifact"
SERVING = ROOT / "var" / "serving"


class Variant(NamedTuple):
    """A model that can be published: the artifact's folder, its export's parent, its version."""

    artifact: Path
    serving: Path
    version: str

    @property
    def export(self) -> Path:
        """The folder of the export."""
        return self.serving / self.version


def link(file: str, copy: str) -> None:
    """For `shutil.copytree`: large files are hard links, which `own` replaces by copies."""
    if Path(file).stat().st_size > 1_000_000:
        os.link(file, copy)
    else:
        shutil.copy2(file, copy)


def make_variant(folder: Path, change: Callable[[Artifact], Artifact]) -> Variant:
    """The shipped network with other metadata; it shares the large files of the shipped one."""
    artifact, serving = folder / "artifact", folder / "serving"
    shutil.copytree(SHIPPED, artifact, copy_function=link)
    shipped = read_artifact(SHIPPED)
    write_metadata(artifact, change(shipped))
    version = read_artifact(artifact).version
    shutil.copytree(SERVING / shipped.version, serving / version, copy_function=link)
    write_export_manifest(serving / version, version)
    return Variant(artifact, serving, version)


def move_threshold(artifact: Artifact, threshold: float) -> Artifact:
    """The metadata with another threshold, and an uncertain band that includes it."""
    band = artifact.uncertain
    if band:
        band = UncertainBand(min(band.low, threshold), max(band.high, threshold))
    return replace(artifact, threshold=threshold, uncertain=band)


def own(file: Path) -> Path:
    """The same file with a copy of its bytes, so that a test may damage it."""
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data)
    return file
