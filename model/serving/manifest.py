"""The files of a model, with the SHA-256 of each.

A manifest is written last, so a folder or store without one is incomplete.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from model.serving.artifact import ArtifactError, is_sha256, sha256_of

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """`files` maps a name below the folder, such as `serving/model.bin`, to its SHA-256."""

    version: str
    files: dict[str, str]

    def encode(self) -> bytes:
        """The bytes to store; equal manifests have equal bytes."""
        return json.dumps(asdict(self), indent=2, sort_keys=True).encode() + b"\n"

    @property
    def digest(self) -> str:
        """A SHA-256 that covers every file of the model."""
        return hashlib.sha256(self.encode()).hexdigest()

    def check(self, places: Mapping[str, Path]) -> None:
        """Raise ArtifactError unless every listed file is in its place, with its digest."""
        for name, digest in self.files.items():
            file = places.get(name)
            if file is None or not file.is_file():
                raise ArtifactError(f"{name} of model {self.version} is missing.")
            if sha256_of(file) != digest:
                raise ArtifactError(
                    f"{file} is damaged: its digest differs from the one on record for model "
                    f"{self.version}."
                )


def make_manifest(version: str, files: Mapping[str, Path]) -> Manifest:
    """The manifest of existing files, by name."""
    return Manifest(version, {name: sha256_of(file) for name, file in sorted(files.items())})


def parse_manifest(data: bytes, where: object, version: str, names: frozenset[str]) -> Manifest:
    """Parse a manifest from `where` that lists at least `names`. Raises ArtifactError."""
    try:
        values = json.loads(data)
    except ValueError as error:  # broken JSON, or bytes that are not text
        raise ArtifactError(f"{where} is not valid JSON: {error}.") from error
    valid = (
        isinstance(values, dict)
        and set(values) == {"version", "files"}
        and values["version"] == version
        and isinstance(values["files"], dict)
        and names <= set(values["files"])
        and all(re.fullmatch(r"(serving/)?[\w.]+", name) for name in values["files"])
        and all(is_sha256(digest) for digest in values["files"].values())
    )
    if not valid:
        raise ArtifactError(
            f"{where} is not a manifest of model {version}: it must list the SHA-256 of "
            f"{', '.join(sorted(names))}."
        )
    return Manifest(version, values["files"])
