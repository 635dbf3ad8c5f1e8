"""The serving export of an artifact: OpenVINO IR under FOLDER/VERSION, with a manifest of digests.

The artifact's version identifies weights and metadata; the manifest identifies the derived files
that are actually served. Imports neither Keras nor OpenVINO.
"""

import hashlib
import mmap
import subprocess
import sys
from pathlib import Path

from model.serving.artifact import Artifact, ArtifactError
from model.serving.durable import write_file
from model.serving.manifest import MANIFEST_NAME, make_manifest, parse_manifest

GRAPH_NAME = "model.xml"
WEIGHTS_NAME = "model.bin"
EXPORT_FILES = (GRAPH_NAME, WEIGHTS_NAME)

_ROOT = Path(__file__).resolve().parents[2]


class ExportError(ArtifactError):
    """The export is missing or damaged; it can be derived again from the artifact."""


class ExportFailed(ArtifactError):
    """The export could not be derived; `output` is what the process printed."""

    def __init__(self, output: str) -> None:
        super().__init__("The serving export could not be derived.")
        self.output = output


def write_export_manifest(folder: Path, version: str) -> None:
    """Complete an export: record the digests of its files in the folder that holds them."""
    manifest = make_manifest(version, {name: folder / name for name in EXPORT_FILES})
    write_file(folder / MANIFEST_NAME, manifest.encode())


def is_whole(artifact: Artifact, artifact_folder: Path, serving_folder: Path) -> bool:
    """Whether the export is complete and undamaged, so that it need not be derived again."""
    try:
        read_export(artifact, artifact_folder, serving_folder)
    except ExportError:
        return False
    return True


def derive_export(artifact_folder: Path, serving_folder: Path) -> None:
    """Derive the export of an artifact, which takes about half a minute; a complete one is kept.

    In a process of its own, so that the caller does without TensorFlow. Raises ExportFailed.
    """
    command = [sys.executable, "-m", "model.network", "--artifact", str(artifact_folder.resolve())]
    done = subprocess.run(
        [*command, "--out", str(serving_folder.resolve())],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise ExportFailed(done.stdout)


def read_export(
    artifact: Artifact, artifact_folder: Path, serving_folder: Path
) -> tuple[bytes, mmap.mmap]:
    """The graph, and the weights mapped into memory, both verified.

    The digests are computed over the returned bytes, so replacing a file meanwhile has no effect.
    Raises ExportError, which names the command that derives the export again.
    """
    folder = serving_folder / artifact.version
    again = (
        "make it with `python -m model.network "
        f"--artifact {artifact_folder} --out {serving_folder}`."
    )
    try:
        manifest = parse_manifest(
            (folder / MANIFEST_NAME).read_bytes(),
            folder / MANIFEST_NAME,
            artifact.version,
            frozenset(EXPORT_FILES),
        )
        graph = (folder / GRAPH_NAME).read_bytes()
        with (folder / WEIGHTS_NAME).open("rb") as file:
            weights = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except ArtifactError as error:
        raise ExportError(f"{error} {again[0].upper()}{again[1:]}") from error
    except FileNotFoundError as error:
        raise ExportError(f"The serving export {error.filename} is missing; {again}") from error
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise ExportError(f"The serving export {folder} cannot be read; {again}") from error
    for name, data in ((GRAPH_NAME, graph), (WEIGHTS_NAME, weights)):
        if hashlib.sha256(data).hexdigest() != manifest.files[name]:
            raise ExportError(
                f"The serving export {folder / name} is damaged: its digest differs from the one "
                f"on record; {again}"
            )
    return graph, weights
