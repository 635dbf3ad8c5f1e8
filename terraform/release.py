"""What the hosts install: the release and, for a new deployment, the shipped model."""

import gzip
import subprocess
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from model.serving.artifact import read_artifact
from model.serving.artifact_store import ArtifactStore
from model.serving.export import ExportFailed, derive_export, is_whole
from terraform.errors import LONGEST, CannotDeploy, explain
from terraform.runs import show

ROOT = Path(__file__).resolve().parents[1]


def build_release(repository: Path, out: Path) -> Path:
    """The archive of HEAD, byte for byte the same each time. Raises CannotDeploy."""
    git = ["git", "-C", str(repository)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, check=True).stdout
        changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotDeploy(
            f"The release is built from a commit, and git finds none in {repository}; install git "
            "and work in a clone of the project."
        ) from error
    if count := len(changed.stdout.splitlines()):
        show(f"Warning: uncommitted changes ({count} files) are not in the release.")
    archive = out / f"release-{head[:12].decode()}.tar.gz"
    if not archive.is_file():
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("release-*"):
            old.unlink()
        scratch = out / "release-.part"
        command = [*git, "archive", "--format=tar", "HEAD"]
        tar = subprocess.run(command, capture_output=True, check=True)
        scratch.write_bytes(gzip.compress(tar.stdout, 6, mtime=0))
        scratch.rename(archive)
    return archive


def upload_release(archive: Path, bucket: str) -> None:
    """Upload the archive unless the bucket has it: its name is the commit."""
    s3 = boto3.client("s3")
    try:
        s3.head_object(Bucket=bucket, Key=archive.name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
            raise
        show(f"Uploading {archive.name} ({archive.stat().st_size >> 20} MB) ...")
        s3.upload_file(str(archive), bucket, archive.name)


def publish_first_model(store: ArtifactStore) -> None:
    """Publish and promote model/artifact if the store has no model in service.

    Raises CannotDeploy, also if workers could not open the model in service.
    """
    served = store.read_current()
    artifact, serving = ROOT / "model" / "artifact", ROOT / "var" / "serving"
    shipped = read_artifact(artifact)
    if served in store.list_models():
        return
    if served not in (None, shipped.version):
        raise CannotDeploy(
            f"Model {served}, which is in service, was published by an earlier release without a "
            "manifest, so workers could not open it; publish and promote it again, or promote "
            "another model, as terraform/README.md says."
        )
    if not is_whole(shipped, artifact, serving):
        show("Exporting the model for serving, about half a minute ...")
        try:
            derive_export(artifact, serving)
        except ExportFailed as error:
            reason = explain(error.output[-LONGEST:])
            raise CannotDeploy(f"The model could not be exported: {reason}") from error
    show("Publishing the first model ...")
    version = store.publish(artifact, serving)
    if faults := store.promote(version):
        raise CannotDeploy(f"Model {version} was refused: {' '.join(faults)}")
    show(f"Model {version} is in service.")
