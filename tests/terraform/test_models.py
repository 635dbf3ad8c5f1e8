"""`deploy.py` promote, switch and models, on a mock of AWS."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from model.serving.artifact import read_artifact
from model.serving.artifact_store import ArtifactStore
from model.serving.export import derive_export
from terraform import operate
from terraform.deployment import Deployment
from terraform.errors import CannotDeploy
from terraform.release import publish_first_model
from tests.s3 import running_s3
from tests.stack import ROOT, free_ports
from tests.variant import SERVING, SHIPPED, make_variant, move_threshold

VERSION = read_artifact(SHIPPED).version
BUCKET = "pneumonia-artifacts-1"


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """The versioned bucket of the models only."""
    derive_export(SHIPPED, SERVING)
    with running_s3(free_ports()["PORT"]):
        s3 = boto3.client("s3")
        place = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        kept = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=kept)
        yield Deployment(ROOT / "terraform", "pneumonia", "eu-central-1", "1")


def decide(deployment: Deployment, command: str, *version: str) -> None:
    """Run `deploy.py COMMAND VERSION`."""
    getattr(operate, command)(deployment, *version)


def test_candidate_is_promoted_and_left_again(
    deployment: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refused candidate is not served, a promoted one is; switch goes back to the previous."""
    store: ArtifactStore = deployment.store
    publish_first_model(store)
    publish_first_model(store)  # does nothing the second time
    assert store.list_models() == {VERSION: "served"}
    with pytest.raises(CannotDeploy, match="No other model was served before"):
        decide(deployment, "switch", "previous")
    bad = make_variant(tmp_path / "bad", lambda shipped: move_threshold(shipped, 0.999))
    good = make_variant(tmp_path / "good", lambda shipped: move_threshold(shipped, 0.4))
    for model in (bad, good):
        store.publish(model.artifact, model.serving)
    with pytest.raises(CannotDeploy, match="calls none of the pneumonia golden X-rays"):
        decide(deployment, "promote", bad.version)
    assert store.read_current() == VERSION
    for command, asked, served in (
        ("promote", good.version, good.version),
        ("switch", "previous", VERSION),
        ("switch", "previous", good.version),
    ):
        decide(deployment, command, asked)
        assert store.read_current() == served
    capsys.readouterr()
    decide(deployment, "models")
    listed = {line.split()[0]: line.split()[-1] for line in capsys.readouterr().out.splitlines()}
    assert listed == {bad.version: "refused", good.version: "served", VERSION: "approved"}


def test_model_of_an_earlier_release_is_named(deployment: Deployment) -> None:
    """apply stops, because workers could not open it; the shipped model is published again."""
    s3 = boto3.client("s3")
    s3.put_object(Bucket=BUCKET, Key="models/current", Body=b"0123456789ab\n")
    with pytest.raises(CannotDeploy, match="was published by an earlier release"):
        publish_first_model(deployment.store)
    s3.put_object(Bucket=BUCKET, Key="models/current", Body=f"{VERSION}\n".encode())
    s3.upload_file(str(SHIPPED / "pneumonia.json"), BUCKET, f"models/{VERSION}/pneumonia.json")
    publish_first_model(deployment.store)
    assert deployment.store.list_models() == {VERSION: "served"}
