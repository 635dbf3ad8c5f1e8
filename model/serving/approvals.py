"""The gate's verdicts on published models: approved/VERSION.json and refused/VERSION.json.

A verdict names the digest of the manifest that it applies to, so it does not carry over to other
files that are published under the same version.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from model.serving.artifact import ArtifactError
from model.serving.manifest import Manifest
from model.serving.object_store import ArtifactStoreError, ObjectStore


def record_verdict(objects: ObjectStore, manifest: Manifest, faults: Sequence[str]) -> None:
    """Approve a model, or refuse it if there are `faults`. Raises ArtifactStoreError."""
    record = {
        "manifest_sha256": manifest.digest,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "reasons": faults,
    }
    kind = "refused" if faults else "approved"
    objects.write(f"{kind}/{manifest.version}.json", json.dumps(record, indent=2).encode())
    if not faults:
        objects.delete(f"refused/{manifest.version}.json")


def read_approved(objects: ObjectStore, version: str) -> str | None:
    """The digest of the manifest that was approved, or None. Raises ArtifactStoreError."""
    name = f"approved/{version}.json"
    data = objects.read(name)
    if data is None:
        return None
    try:
        digest = json.loads(data)["manifest_sha256"]
    except (ValueError, TypeError, KeyError):
        digest = None
    if not isinstance(digest, str):
        raise ArtifactStoreError(f"{objects.url}/{name} is damaged; promote it again.")
    return digest


def check_approved(objects: ObjectStore, manifest: Manifest) -> None:
    """Raise ArtifactStoreError for a candidate, ArtifactError if the approved files were others."""
    approved = read_approved(objects, manifest.version)
    if approved is None:
        raise ArtifactStoreError(
            f"Model {manifest.version} is a candidate, which must not be served; promote it first."
        )
    if approved != manifest.digest:
        raise ArtifactError(
            f"What is published as {manifest.version} is not what was promoted; publish the "
            "original files again."
        )


def list_verdicts(objects: ObjectStore) -> dict[str, str]:
    """Each version that has a verdict -> "refused" or "approved". Raises ArtifactStoreError."""
    return {
        path.stem: kind
        for kind in ("refused", "approved")
        for path in objects.find(f"{kind}/*.json")
    }


def forget_verdict(objects: ObjectStore, version: str) -> None:
    """Make a version a candidate again. Raises ArtifactStoreError."""
    objects.delete(f"approved/{version}.json")
    objects.delete(f"refused/{version}.json")
