"""A simulated S3 (moto) on loopback, with one empty bucket."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import boto3
import fsspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

BUCKET = "pneumonia-test"


@contextmanager
def running_s3(port: int) -> Iterator[str]:
    """The URL of the bucket; this process and its children reach it like S3."""
    address = f"http://127.0.0.1:{port}"
    variables = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with requests.Session() as session:
            session.mount(address, HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.05)))
            session.get(f"{address}/moto-api/", timeout=5)
        with mock.patch.dict(os.environ, variables):
            boto3.client("s3").create_bucket(
                Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
            yield f"s3://{BUCKET}"
            # Its connections remember the address.
            fsspec.get_filesystem_class("s3").clear_instance_cache()
    finally:
        process.terminate()
        process.wait(10)
