"""`deploy.py train --data` synchronises the bucket with the folder."""

from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from terraform.errors import CannotDeploy
from terraform.training_data import upload_data

BUCKET = "pneumonia-data-1"


def _write(folder: Path) -> None:
    for part in ("train", "test"):
        for kind in ("NORMAL", "PNEUMONIA"):
            (folder / part / kind).mkdir(parents=True)
            (folder / part / kind / "a.jpeg").write_bytes(f"{part} {kind}".encode())


def test_bucket_becomes_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Withdrawn, relabelled and changed files (even of the same size) are updated in the bucket."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    _write(tmp_path)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        upload_data(tmp_path, BUCKET)
        train = tmp_path / "train"
        (train / "NORMAL" / "a.jpeg").write_bytes(b"TRAIN NORMAL")  # same size
        (train / "PNEUMONIA" / "a.jpeg").rename(train / "NORMAL" / "b.jpeg")
        upload_data(tmp_path, BUCKET)
        found = {
            one["Key"]: s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
            for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]
        }
    assert found == {
        "kermany/train/NORMAL/a.jpeg": b"TRAIN NORMAL",
        "kermany/train/NORMAL/b.jpeg": b"train PNEUMONIA",
        "kermany/test/NORMAL/a.jpeg": b"test NORMAL",
        "kermany/test/PNEUMONIA/a.jpeg": b"test PNEUMONIA",
    }


def test_half_a_data_set_is_refused(tmp_path: Path) -> None:
    """An incomplete folder is refused before anything is deleted."""
    (tmp_path / "train" / "NORMAL").mkdir(parents=True)
    with pytest.raises(CannotDeploy, match="is missing"):
        upload_data(tmp_path, BUCKET)
