"""Take the deployment down, and on request its data."""

import re

import boto3

from terraform.deployment import PURPOSES, Deployment
from terraform.errors import CannotDeploy
from terraform.runs import ask_terraform, check_terraform, run_terraform, show

KEPT = r"data\.|aws_s3_bucket|aws_ebs_volume\.redis|aws_ssm_parameter"
"""What cannot be restored: buckets, the records' disk, and the secrets that belong to them."""


def destroy(deployment: Deployment, *, yes: bool = False, with_data: bool = False) -> None:
    """Take it down; patients' data, models and secrets stay unless --with-data."""
    name, folder = deployment.name, deployment.folder
    check_terraform(folder)
    if with_data:
        print(
            f"Everything in {name} will be permanently deleted: every X-ray, record and model, "
            "with all old versions."
        )
    else:
        print(
            f"The hosts and the network of {name} will be destroyed. Buckets with X-rays and "
            "models, the disk with the records and the secrets are kept for another apply and "
            "cost a little; records in ElastiCache are lost. --with-data deletes everything."
        )
    if not yes and input(f"Type {name} to continue: ").strip() != name:
        raise CannotDeploy("Nothing was destroyed.")
    run_terraform(folder, "init")
    variables = {"release": "release-none.tar.gz"}  # required, but not used here
    listed = ask_terraform(folder, "state", "list", empty="No state file was found")
    targets = [address for address in listed.splitlines() if not re.match(KEPT, address)]
    if not listed.strip():
        raise CannotDeploy(f"{name} is not deployed; there is nothing to destroy.")
    if targets:
        run_terraform(folder, "destroy", "-auto-approve", targets=targets, variables=variables)
    if with_data:  # after the hosts, so that nothing writes any more
        empty_buckets(deployment)
        delete_disk(deployment)
        run_terraform(folder, "destroy", "-auto-approve", variables=variables)
    show("Destroyed." if with_data else "Destroyed, except for the data.")


def empty_buckets(deployment: Deployment) -> None:
    """Delete every object, with all versions and delete markers."""
    s3 = boto3.client("s3")
    existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in sorted({deployment.bucket(purpose) for purpose in PURPOSES} & existing):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        for count, page in enumerate(pages, 1):
            show(f"Emptying {bucket} ... {count * 1000}", lasting=False)
            old = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            keys = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in old]
            if keys:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        show(f"{bucket} is empty.")


def delete_disk(deployment: Deployment) -> None:
    """Delete the records' disk, which Terraform's prevent_destroy protects."""
    ec2 = boto3.client("ec2")
    named = [{"Name": "tag:Name", "Values": [f"{deployment.name}-redis"]}]
    for volume in ec2.describe_volumes(Filters=named)["Volumes"]:
        ec2.delete_volume(VolumeId=volume["VolumeId"])
        ec2.get_waiter("volume_deleted").wait(VolumeIds=[volume["VolumeId"]])
        show("The disk with the records is deleted.")
