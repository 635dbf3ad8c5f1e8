"""`terraform/deploy.py` from apply to destroy, with real Terraform and a mock of AWS."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.serving.artifact import read_artifact
from terraform import deployment as facts
from terraform.building import wait_for_hosts
from terraform.errors import CannotDeploy
from tests.stack import ROOT, free_ports
from tests.terraform.deployed import OTHER_POLICY, Deployment, interrupt, run_deploy
from tests.terraform.local_aws import (
    VALUES,
    copy_configuration,
    install_provider,
    point_at_moto,
    running_moto,
)

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")
ACCOUNT = "123456789012"
SHIPPED = read_artifact(ROOT / "model" / "artifact").version


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Applied by deploy.py, after an interrupted first attempt."""
    folder = copy_configuration(tmp_path_factory.mktemp("deploy") / "terraform")
    values = {name: value for name, value in VALUES.items() if name != "release"}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]
    (folder / "terraform.tfvars").write_text("".join(lines))
    (folder / "policy_override.tf").write_text(OTHER_POLICY)
    with running_moto(free_ports()["PORT"]) as address:
        point_at_moto(folder, address)
        dns = folder / "network.tf"  # the provider waits 30 s for each DNS change
        text = re.sub(r'(?ms)^resource "aws_route53_\w+".*?^}\n', "", dns.read_text())
        dns.write_text(text)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "TF_CLI_CONFIG_FILE": str(install_provider()),
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        interrupted = interrupt(folder, environment)
        applied = run_deploy(folder, environment, "apply", "--yes", "--wait-seconds", "1")
        yield Deployment(folder, environment, interrupted, applied)


def test_interrupted_terraform_ends_well(deployment: Deployment) -> None:
    """Terraform finishes what it has begun, and the message says how to continue."""
    assert "Terraform is finishing what it has begun" in deployment.interrupted
    assert "run the same command again to go on" in deployment.interrupted
    assert "Traceback" not in deployment.interrupted
    assert "Creating the buckets first" not in deployment.applied.stdout


def test_apply_builds_all_and_waits_for_the_hosts(deployment: Deployment) -> None:
    """Everything is built; as no host boots here, apply reports that and names the log."""
    progress = [line for line in deployment.applied.stdout.splitlines() if line.startswith("[")]
    counts = progress[-1].split("]")[0].removeprefix("[").split("/")
    assert counts[0] == counts[1] and int(counts[0]) > 80
    assert deployment.applied.returncode == 1
    assert "Not set up in time: api-0, monitoring, nginx, " in deployment.applied.stderr
    assert "deploy.py logs api-0 --setup" in deployment.applied.stderr
    again = deployment.run("apply", "--no-wait")
    assert again.returncode == 0, again.stderr
    assert "Plan: no changes." in again.stdout
    assert "The site is at  https://" in again.stdout
    assert "deploy.py password" in again.stdout
    assert "AWS-StartPortForwardingSession" in again.stdout


def test_release_and_first_model_are_uploaded(deployment: Deployment) -> None:
    """Release and model are uploaded, and the archive is that of HEAD."""
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    s3 = deployment.client("s3")
    [release] = s3.list_objects_v2(Bucket=f"pneumonia-releases-{ACCOUNT}")["Contents"]
    assert release["Key"] == f"release-{head[:12]}.tar.gz"
    assert SHIPPED in deployment.run("models").stdout


def test_status(deployment: Deployment) -> None:
    """`status` prints the address, each host with its state, the model and the trainer."""
    done = deployment.run("status")
    assert done.returncode == 0, done.stderr
    assert "does not answer" in done.stdout
    for host in ("nginx", "web", "api-0", "monitoring"):
        assert f"\n{host} " in done.stdout
    assert f"model    {SHIPPED}" in done.stdout


def test_password(deployment: Deployment) -> None:
    """`password` prints the first user's or Grafana's password on one line."""
    ssm = deployment.client("ssm")
    for whose in ("first-user", "grafana"):
        secret = ssm.get_parameter(Name=f"/pneumonia/{whose}-password", WithDecryption=True)
        assert deployment.run("password", whose).stdout == secret["Parameter"]["Value"] + "\n"


def make_data(folder: Path) -> Path:
    """A data set of four files."""
    for part in ("train", "test"):
        for kind in ("NORMAL", "PNEUMONIA"):
            (folder / part / kind).mkdir(parents=True)
            (folder / part / kind / "1.jpeg").write_bytes(b"x")
    return folder


def test_train_uploads_starts_and_follows(deployment: Deployment, tmp_path: Path) -> None:
    """`train` refuses during a run, uploads only new data, and fails if no model results."""
    ec2, trainer = deployment.client("ec2"), deployment.trainer()
    assert "The trainer is running" in deployment.run("train").stderr
    ec2.stop_instances(InstanceIds=[trainer])
    missing = deployment.run("train", "--data", str(tmp_path))
    assert "NORMAL is missing; a data set is" in missing.stderr
    data = str(make_data(tmp_path / "data"))
    started = deployment.run("train", "--data", data)
    assert (
        started.returncode == 0
        and "4 files of data: 4 new or changed, 0 withdrawn." in started.stdout
    )
    assert deployment.read_state(trainer) == "running"
    ec2.stop_instances(InstanceIds=[trainer])

    def stop_once_it_runs() -> None:
        while deployment.read_state(trainer) != "running":
            time.sleep(0.2)
        ec2.stop_instances(InstanceIds=[trainer])

    threading.Thread(target=stop_once_it_runs, daemon=True).start()
    waited = deployment.run("train", "--data", data, "--wait")
    assert "4 files of data: 0 new or changed, 0 withdrawn." in waited.stdout
    assert waited.returncode == 1 and "ended without a new model" in waited.stderr


def test_trainer_may_not_promote(deployment: Deployment) -> None:
    """The trainer's role can write models, but neither `current` nor approvals."""
    policy = deployment.client("iam").get_role_policy(
        RoleName="pneumonia-trainer", PolicyName="work"
    )["PolicyDocument"]
    denied = {
        resource
        for statement in policy["Statement"]
        if statement["Effect"] == "Deny" and "s3:PutObject" in statement["Action"]
        for resource in statement["Resource"]
    }
    models = f"arn:aws:s3:::pneumonia-artifacts-{ACCOUNT}/models"
    assert denied == {f"{models}/current", f"{models}/approved/*"}


def test_logs(deployment: Deployment) -> None:
    """`logs` uses Systems Manager, and the bucket if the trainer is off."""
    assert deployment.run("logs", "web").returncode == 0
    assert deployment.run("logs", "web", "--setup").returncode == 0
    sent = [
        c["Parameters"]["commands"] for c in deployment.client("ssm").list_commands()["Commands"]
    ]
    assert any("journalctl -u 'pneumonia-*'" in command for [command] in sent)
    assert any("tail -n 200 /var/log/pneumonia-setup.log" in command for [command] in sent)
    assert "There is no host api; there are: api-0, " in deployment.run("logs", "api").stderr

    deployment.client("ec2").stop_instances(InstanceIds=[deployment.trainer()])
    assert "has no log of a run yet" in deployment.run("logs", "trainer").stderr
    for name, text in (("20261101T000000Z", b"old\n"), ("20261102T000000Z", b"new\n")):
        deployment.client("s3").put_object(
            Bucket=f"pneumonia-artifacts-{ACCOUNT}", Key=f"models/logs/{name}.log", Body=text
        )
    assert deployment.run("logs", "trainer").stdout.endswith(":\nnew\n")


def test_image_that_is_not_there(deployment: Deployment) -> None:
    """An error of the provider is explained in a sentence."""
    wrong = deployment.folder / "wrong.auto.tfvars"
    wrong.write_text("image_id = null\n")
    try:
        done = deployment.run("plan")
    finally:
        wrong.unlink()
    assert done.returncode == 1
    assert done.stderr.startswith("The image (AMI) of a host is not in this region")


def test_locked_state(deployment: Deployment) -> None:
    """The message says who holds the lock and how to release it."""
    info = {"ID": "4711", "Who": "ann@office", "Created": "2026-11-24T00:00:00Z"}
    note = deployment.folder / ".terraform.tfstate.lock.info"
    with (deployment.folder / "terraform.tfstate").open("r+") as state:
        fcntl.lockf(state, fcntl.LOCK_EX)
        note.write_text(json.dumps(info))
        done = deployment.run("plan")
    note.unlink()
    assert done.returncode == 1
    assert "locked: ann@office is changing" in done.stderr and "force-unlock 4711" in done.stderr


def test_what_is_missing_is_said(deployment: Deployment, tmp_path: Path) -> None:
    """Each missing requirement is reported in one line, with exit status 1."""
    bare = {**deployment.environment, "PATH": str(tmp_path)}
    no_terraform = run_deploy(deployment.folder, bare, "apply")
    assert "Terraform 1.10 or later is needed and none is on PATH" in no_terraform.stderr
    old = tmp_path / "terraform"
    old.write_text('#!/bin/sh\necho \'{"terraform_version": "1.9.8"}\'\n')
    old.chmod(0o755)
    too_old = run_deploy(deployment.folder, bare, "plan")
    assert "and 1.9.8 is on PATH" in too_old.stderr

    old.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    broken = run_deploy(deployment.folder, bare, "plan")
    assert broken.stderr == "broken\n"

    nobody = {k: v for k, v in deployment.environment.items() if not k.startswith("AWS_")}
    nobody |= {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    no_credentials = run_deploy(deployment.folder, nobody, "status")
    assert no_credentials.stderr.startswith("AWS rejected the credentials")
    away = {**deployment.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    unreachable = run_deploy(deployment.folder, {**away, "AWS_MAX_ATTEMPTS": "1"}, "status")
    assert "cannot be reached" in unreachable.stderr

    no_values = run_deploy(tmp_path, deployment.environment, "plan")
    assert "terraform.tfvars is missing; copy terraform.tfvars.example" in no_values.stderr
    for done in (no_terraform, too_old, broken, no_credentials, unreachable, no_values):
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert deployment.run("biuld").returncode == 2


def test_apply_shows_the_plan_and_asks(deployment: Deployment) -> None:
    """The changes are listed; without a confirmation nothing is done."""
    more = deployment.folder / "more.auto.tfvars"
    more.write_text("api_count = 2\n")
    try:
        nobody = deployment.run("apply", "--no-wait")
        refused = deployment.run("apply", "--no-wait", input="no\n")
    finally:
        more.unlink()
    assert nobody.returncode == 1 and "use --yes" in nobody.stderr
    assert refused.returncode == 1 and "Nothing was changed." in refused.stderr
    assert "create   aws_instance.api" in refused.stdout
    role = [{"Name": "tag:Role", "Values": ["api"]}]
    assert len(deployment.client("ec2").describe_instances(Filters=role)["Reservations"]) == 1
    assert not (deployment.folder / ".terraform" / "deploy.plan").exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "lost"),
    [
        ("more.auto.tfvars", "", 'zones = ["eu-central-1b", "eu-central-1c"]\n', "aws_ebs_volume"),
        ("more.auto.tfvars", "", 'redis = "elasticache"\n', "aws_ebs_volume"),
        ("more.auto.tfvars", "", 'name = "lungs"\n', "aws_s3_bucket"),
        ("secrets.tf", '"secrets" {', '"keys" {', "aws_ssm_parameter"),
        ("compute.tf", '"aws_ebs_volume" "redis" {', '"aws_ebs_volume" "disk" {', "aws_ebs_volume"),
    ],
    ids=["zone", "redis", "name", "secret-renamed", "disk-renamed"],
)
def test_plan_that_would_lose_data_is_refused(
    deployment: Deployment, file: str, old: str, new: str, lost: str
) -> None:
    """`plan` and `apply`, even with --yes, refuse in one sentence and change nothing."""
    before = read_irreplaceable(deployment)
    changed = {path: path.read_text() for path in deployment.folder.glob("*.tf")}
    target = deployment.folder / file
    if old:
        assert old in target.read_text()
        target.write_text(target.read_text().replace(old, new))
        kind, name = ("aws_ssm_parameter", "secrets") if "ssm" in lost else (lost, "redis")
        other = re.search(r'"(\w+)" {$', new)
        assert other
        for path in deployment.folder.glob("*.tf"):
            path.write_text(path.read_text().replace(f"{kind}.{name}", f"{kind}.{other[1]}"))
    else:
        target.write_text(new)
    try:
        runs = [deployment.run("plan"), deployment.run("apply", "--yes", "--no-wait")]
    finally:
        if not old:
            target.unlink()
        for path, text in changed.items():
            path.write_text(text)
    for done in runs:
        assert done.returncode == 1, done.stdout
        assert done.stderr.startswith("Refused, and nothing was changed: this plan would delete")
        assert lost in done.stderr and done.stderr.count("\n") == 1
    assert read_irreplaceable(deployment) == before


def read_irreplaceable(deployment: Deployment) -> list[str]:
    """The existing disks, buckets and secrets."""
    ec2, s3, ssm = (deployment.client(name) for name in ("ec2", "s3", "ssm"))
    secrets = ssm.get_parameters_by_path(Path="/pneumonia/", WithDecryption=True)["Parameters"]
    return sorted(
        [volume["VolumeId"] for volume in ec2.describe_volumes()["Volumes"]]
        + [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        + [secret["Value"] for secret in secrets]
    )


def test_hosts_are_waited_for(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """apply waits until every host's script has succeeded and the trainer is off. A function
    replaces Systems Manager, which moto lacks."""
    for name, value in deployment.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    found = facts.find_deployment(deployment.folder)
    deployment.client("ec2").stop_instances(InstanceIds=[deployment.trainer()])
    hosts = facts.list_hosts(found)
    ready = {hosts[host].instance for host in ("nginx", "web", "monitoring")}

    def run_on_host(instance: str, command: str) -> str:
        assert command == "test -e /opt/pneumonia/set-up && echo set up || :"
        if instance not in ready:
            raise CannotDeploy("Systems Manager does not know the host.")
        return "set up\n"

    monkeypatch.setattr(facts, "run_on_host", run_on_host)
    with pytest.raises(CannotDeploy, match=r"Not set up in time: api-0 \(api-0: Systems Manager"):
        wait_for_hosts(found, time.monotonic())
    ready.add(hosts["api-0"].instance)
    wait_for_hosts(found, time.monotonic())


def test_destroy_asks_and_keeps_data_unless_told(deployment: Deployment) -> None:
    """destroy needs the name; it keeps the data unless --with-data is given. The last test."""
    assert "There is no terminal to ask for confirmation" in deployment.run("destroy").stderr
    refused = deployment.run("destroy", input="yes\n")
    assert refused.returncode == 1 and "Nothing was destroyed" in refused.stderr
    assert "kept for another apply" in refused.stdout
    done = deployment.run("destroy", input="pneumonia\n")
    assert done.returncode == 0, done.stderr
    s3, ec2 = deployment.client("s3"), deployment.client("ec2")
    assert len(s3.list_buckets()["Buckets"]) == 4
    assert len(ec2.describe_volumes()["Volumes"]) == 1
    assert "is not deployed" in deployment.run("status").stderr
    assert f"{SHIPPED}  " in deployment.run("models").stdout

    s3.delete_object(Bucket=f"pneumonia-artifacts-{ACCOUNT}", Key="models/current")
    done = deployment.run("destroy", "--yes", "--with-data")
    assert done.returncode == 0, done.stderr
    left = s3.list_buckets()["Buckets"] + ec2.describe_volumes()["Volumes"]
    left += ec2.describe_addresses()["Addresses"]
    left += deployment.client("ssm").describe_parameters()["Parameters"]
    assert not left
    assert "nothing to destroy" in deployment.run("destroy", "--yes").stderr
