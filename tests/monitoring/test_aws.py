"""The configuration of the monitoring host on AWS, read by the real programs; hosts found by tags.

Its script is rendered by Terraform and the part that writes configuration is run, in another folder
and against a stand-in of AWS (moto).
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.monitoring.watched import wait
from tests.stack import ROOT, free_ports
from tests.terraform.local_aws import copy_configuration, render, running_moto, terraform

PROGRAMS = ("terraform", "prometheus", "promtool", "amtool", "envsubst")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason=f"not all of {', '.join(PROGRAMS)} are here"
)
REGION = "eu-central-1"
HOSTS = {"nginx": "nginx", "web": "web", "api-0": "api", "api-1": "api", "trainer": "trainer"}
"""Roles by name, as Terraform tags them."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A mock of AWS with the deployment's hosts and instances of other projects."""
    with running_moto(free_ports()["PORT"]) as address:
        for name, role in HOSTS.items():
            start(address, Project="pneumonia", Name=f"pneumonia-{name}", Role=role)
        start(address, Project="another", Name="another-web", Role="web")
        stopped = start(address, Project="pneumonia", Name="pneumonia-old", Role="web")
        connect(address).stop_instances(InstanceIds=[stopped])
        yield address


def connect(address: str) -> Any:
    """An EC2 client."""
    return boto3.client(
        "ec2",
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def start(address: str, **tags: str) -> str:
    """The id of a new running instance."""
    named = [{"Key": key, "Value": value} for key, value in tags.items()]
    [instance] = connect(address).run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": named}],
    )["Instances"]
    return instance["InstanceId"]


@pytest.fixture(scope="module")
def written(address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the script wrote, after promtool and amtool accepted it."""
    folder = tmp_path_factory.mktemp("monitoring")
    copied = copy_configuration(folder / "terraform")
    terraform(copied, "init", "-input=false")
    script = render(copied, "monitoring")
    functions = "".join(re.findall(r"(?ms)^(?:fill|place)\(\) \{\n.*?^\}\n", script))
    functions += "chown() { :; }\n"  # the tests may not run as root
    [part] = re.findall(r"(?ms)^# Scrape configurations.*?^amtool .*?\n", script)
    (folder / "rules").mkdir()
    lines = part.replace("/etc/prometheus", str(folder)).replace("/etc/default", str(folder))
    settings = f"root='{ROOT}' endpoint_url='{address}' AWS_DEFAULT_REGION={REGION}\n"
    subprocess.run(["bash", "-euo", "pipefail", "-c", settings + functions + lines], check=True)
    return folder


def test_hosts_are_found_by_their_tags(address: str, written: Path, tmp_path: Path) -> None:
    """Each job scrapes the running hosts of the deployment, named by their tags."""
    port = free_ports()["PORT"]
    command = [
        "prometheus",
        f"--config.file={written}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env={**os.environ, **keys}, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api/v1/targets"

    def find_targets() -> set[tuple[str, str, str]]:
        targets = session.get(url, timeout=10).json()["data"]["activeTargets"]
        found = [target["labels"] | {"url": target["scrapeUrl"]} for target in targets]
        return {
            (labels["job"], labels["instance"], labels["url"].split(":")[2].split("/")[0])
            for labels in found
            if labels["job"] not in ("prometheus", "alertmanager", "site")
        }

    try:
        with requests.Session() as session:
            starting = Retry(12, backoff_factor=0.05, status_forcelist=[503])
            session.mount(url, HTTPAdapter(max_retries=starting))
            expected = {("node", f"pneumonia-{name}", "9100") for name in HOSTS} | {
                ("web", "pneumonia-web", "8000"),
                ("api", "pneumonia-api-0", "5000"),
                ("api", "pneumonia-api-1", "5000"),
                ("worker", "pneumonia-api-0", "9200"),
                ("worker", "pneumonia-api-1", "9200"),
                *(("dicom", f"pneumonia-api-{number}", "9201") for number in (0, 1)),
                *(("results", f"pneumonia-api-{number}", "9202") for number in (0, 1)),
                ("redis", "pneumonia-api-0", "9121"),
                ("nginx", "pneumonia-nginx", "9113"),
                ("gpu", "pneumonia-trainer", "9400"),
            }
            wait(lambda: len(find_targets()) >= len(expected), 120, "all targets")
            assert find_targets() == expected
    finally:
        process.terminate()
        process.wait(60)


def test_pages_and_tickets_go_to_topics_of_their_own(written: Path) -> None:
    """They have separate SNS topics, so that a phone can subscribe to pages only."""
    routes = ("amtool", "config", "routes", "test", f"--config.file={written}/alertmanager.yml")
    for severity, topic in (("page", "pages"), ("ticket", "tickets")):
        routed = subprocess.run(
            [*routes, f"severity={severity}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert routed.stdout.strip() == topic
    text = (written / "alertmanager.yml").read_text()
    assert re.findall(r"topic_arn: '\S+:(\w+)'", text) == ["pages", "tickets"]
