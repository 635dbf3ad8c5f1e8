"""Upload the data set to the bucket that the trainer reads."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3

from terraform.errors import CannotDeploy
from terraform.runs import show

DELETED_AT_ONCE = 1000
"""Keys that S3 deletes in one call."""


def upload_data(folder: Path, bucket: str) -> None:
    """Synchronise the bucket's train/ and test/ with those of `folder`. Raises CannotDeploy.

    Changed files are uploaded, and files that the folder no longer has are deleted: a withdrawn or
    relabelled X-ray must not be used for training. The bucket keeps old versions.
    """
    parts = [folder / part / kind for part in ("train", "test") for kind in ("NORMAL", "PNEUMONIA")]
    if missing := [str(part) for part in parts if not part.is_dir()]:
        raise CannotDeploy(
            f"{missing[0]} is missing; a data set is train/ and test/, each with NORMAL/ and "
            "PNEUMONIA/."
        )
    s3 = boto3.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="kermany/")
    there = {
        found["Key"]: found["ETag"].strip('"') for found in pages.search("Contents[]") if found
    }
    files = {
        f"kermany/{file.relative_to(folder).as_posix()}": file
        for part in parts
        for file in sorted(part.rglob("*"))
        if file.is_file()
    }
    # The ETag of a single-part upload is its MD5; files with any other ETag are uploaded again.
    new = {key: file for key, file in files.items() if there.get(key) != _md5(file)}
    with ThreadPoolExecutor(8) as pool:
        uploads = pool.map(lambda key: s3.upload_file(str(new[key]), bucket, key), new)
        for count, _ in enumerate(uploads, 1):
            show(f"[{count}/{len(new)}] uploaded", lasting=count == len(new))
    withdrawn = sorted(there.keys() - files.keys())
    for start in range(0, len(withdrawn), DELETED_AT_ONCE):
        keys = [{"Key": key} for key in withdrawn[start : start + DELETED_AT_ONCE]]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        if failed := answer.get("Errors"):
            raise CannotDeploy(
                f"{failed[0]['Key']} is no longer in {folder}, but could not be deleted from the "
                "bucket; run the command again."
            )
    show(f"{len(files)} files of data: {len(new)} new or changed, {len(withdrawn)} withdrawn.")


def _md5(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
