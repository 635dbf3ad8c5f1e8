"""The serving export of an artifact: OpenVINO IR under FOLDER/VERSION, with a manifest of digests.

The artifact's version stands for weights and metadata; the manifest adds what is really served.
Imports neither Keras nor OpenVINO.
"""

import hashlib
import mmap
from pathlib import Path

from model.serving.artifact import Artifact, ArtifactError
from model.serving.durable import write_file
from model.serving.manifest import MANIFEST_NAME, make_manifest, parse_manifest

GRAPH_NAME = "model.xml"
WEIGHTS_NAME = "model.bin"
EXPORT_FILES = (GRAPH_NAME, WEIGHTS_NAME)


class ExportError(ArtifactError):
    """The export is missing or damaged; it can be derived again from the artifact."""


def write_export_manifest(folder: Path, version: str) -> None:
    """Finish an export: record the digests of its files, in the folder that holds them."""
    manifest = make_manifest(version, {name: folder / name for name in EXPORT_FILES})
    write_file(folder / MANIFEST_NAME, manifest.encode())


def is_whole(artifact: Artifact, artifact_folder: Path, serving_folder: Path) -> bool:
    """Whether the export is there and undamaged; else it is to be derived again."""
    try:
        read_export(artifact, artifact_folder, serving_folder)
    except ExportError:
        return False
    return True


def read_export(
    artifact: Artifact, artifact_folder: Path, serving_folder: Path
) -> tuple[bytes, mmap.mmap]:
    """The graph, and the weights mapped into memory, both verified.

    The digests are those of the very bytes that are returned: a file that is replaced meanwhile
    cannot slip in. Raises ExportError, in one sentence with the command that mends it.
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
