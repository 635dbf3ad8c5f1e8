"""`terraform/` applied by the real provider to a mock of AWS, checked through the AWS API."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from tests.stack import ROOT, free_ports
from tests.terraform.local_aws import copy_configuration, point_at_moto, running_moto, terraform

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")


class Deployment(NamedTuple):
    """The applied configuration and its AWS."""

    folder: Path
    address: str

    def client(self, service: str) -> Any:
        """A boto3 client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.address,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Applied twice, because moto stores an address's tags only the second time."""
    folder = copy_configuration(tmp_path_factory.mktemp("deployment") / "terraform")
    with running_moto(free_ports()["PORT"]) as address:
        point_at_moto(folder, address)
        terraform(folder, "init", "-input=false")
        for _ in range(2):
            terraform(folder, "apply", "-auto-approve", "-input=false")
        yield Deployment(folder, address)


def test_applied_again_nothing_changes(deployment: Deployment) -> None:
    """A plan right after apply is empty."""
    done = terraform(
        deployment.folder, "plan", "-detailed-exitcode", "-input=false", "-no-color", check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_only_the_paths_that_are_meant_are_open(deployment: Deployment) -> None:
    """Every rule of every group, in both directions; none is left over, and none by address but
    those of the internet into nginx and of packages out."""
    groups = deployment.client("ec2").describe_security_groups()["SecurityGroups"]
    names = {g["GroupId"]: g["GroupName"].removeprefix("pneumonia-") for g in groups}
    ours = {g["GroupId"] for g in groups if g["GroupName"].startswith("pneumonia-")}

    def paths(direction: str) -> set[tuple[str, str, int]]:
        return {
            (names[peer], names[group["GroupId"]], rule["FromPort"])
            for group in groups
            if group["GroupId"] in ours
            for rule in group[direction]
            for peer in [
                *(pair["GroupId"] for pair in rule["UserIdGroupPairs"]),
                *(entry["CidrIp"] for entry in rule["IpRanges"]),
            ]
        }

    names["0.0.0.0/0"] = "internet"
    inside = {
        ("nginx", "web", 8000),
        ("web", "api", 5000),
        ("api", "redis", 6379),
        ("trainer", "redis", 6379),
        ("monitoring", "nginx", 443),
        ("monitoring", "web", 8000),
        ("monitoring", "api", 5000),
        ("monitoring", "api", 9200),
        ("monitoring", "api", 9121),
        ("monitoring", "nginx", 9113),
        ("monitoring", "trainer", 9400),
        *(("monitoring", host, 9100) for host in ("nginx", "web", "api", "trainer")),
    }
    hosts = ("nginx", "web", "api", "trainer", "monitoring")
    assert paths("IpPermissions") == inside | {
        ("internet", "nginx", 80),
        ("internet", "nginx", 443),
    }
    assert paths("IpPermissionsEgress") == {(to, of, port) for of, to, port in inside} | {
        ("internet", host, port) for host in hosts for port in (80, 443)
    }
    vpc = deployment.client("ec2").describe_vpcs(
        Filters=[{"Name": "cidr", "Values": ["10.20.0.0/16"]}]
    )
    [default] = [
        g for g in groups if g["GroupName"] == "default" and g["VpcId"] == vpc["Vpcs"][0]["VpcId"]
    ]
    assert not default["IpPermissions"] and not default["IpPermissionsEgress"]


def test_hosts_are_where_they_are_meant_to_be(deployment: Deployment) -> None:
    """Address and groups of each, and a disk of its own for Redis; every disk encrypted."""
    ec2 = deployment.client("ec2")
    found = {
        next(t["Value"] for t in i["Tags"] if t["Key"] == "Name").removeprefix("pneumonia-"): i
        for reservation in ec2.describe_instances()["Reservations"]
        for i in reservation["Instances"]
    }
    assert {name: i["PrivateIpAddress"] for name, i in found.items()} == {
        "nginx": "10.20.0.10",
        "monitoring": "10.20.0.20",
        "web": "10.20.100.10",
        "api-0": "10.20.100.20",
        "trainer": "10.20.100.30",
    }
    groups = {
        name: sorted(g["GroupName"].removeprefix("pneumonia-") for g in i["SecurityGroups"])
        for name, i in found.items()
    }
    assert groups == {
        "nginx": ["nginx"],
        "monitoring": ["monitoring"],
        "web": ["web"],
        "api-0": ["api", "redis"],
        "trainer": ["trainer"],
    }
    volumes = ec2.describe_volumes()["Volumes"]
    assert len(volumes) == len(found) + 1
    assert all(volume["Encrypted"] for volume in volumes)
    for instance in found.values():
        options = instance["MetadataOptions"]
        assert options["HttpTokens"] == "required" and options["HttpPutResponseHopLimit"] == 1
        tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        assert tags["Project"] == "pneumonia" and tags["ManagedBy"] == "terraform"


def test_idle_trainer_is_stopped(deployment: Deployment) -> None:
    """By the figure that its agent reports, of that instance; while it is off there is no alarm, so
    that it rings again after the next start."""
    ec2 = deployment.client("ec2")
    role = [{"Name": "tag:Role", "Values": ["trainer"]}]
    [trainer] = ec2.describe_instances(Filters=role)["Reservations"][0]["Instances"]
    [alarm] = deployment.client("cloudwatch").describe_alarms()["MetricAlarms"]
    agent = json.loads((ROOT / "monitoring/cloudwatch/gpu.json").read_text())["metrics"]
    assert alarm["Namespace"] == agent["namespace"]
    assert alarm["MetricName"] == "nvidia_smi_utilization_gpu"
    assert "utilization_gpu" in agent["metrics_collected"]["nvidia_gpu"]["measurement"]
    assert alarm["Dimensions"] == [{"Name": "InstanceId", "Value": trainer["InstanceId"]}]
    assert ["InstanceId"] in agent["aggregation_dimensions"]
    assert "arn:aws:automate:eu-central-1:ec2:stop" in alarm["AlarmActions"]
    assert alarm["ComparisonOperator"] == "LessThanThreshold" and alarm["Threshold"] == 2
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 3600
    assert alarm["TreatMissingData"] == "notBreaching"


def test_every_alarm_reaches_somebody(deployment: Deployment) -> None:
    """By a topic to which the e-mail address is subscribed, and to which CloudWatch can publish: it
    cannot if the AWS-managed key of SNS encrypts it."""
    sns = deployment.client("sns")
    reached = {
        subscription["TopicArn"]
        for subscription in sns.list_subscriptions()["Subscriptions"]
        if subscription["Endpoint"] == "ops@example.org"
    }
    alarms = deployment.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarms
    for alarm in alarms:
        topics = reached & set(alarm["AlarmActions"])
        assert topics and alarm["ActionsEnabled"], alarm["AlarmName"]
        for topic in topics:
            attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
            assert attributes.get("KmsMasterKeyId") != "alias/aws/sns"


def test_hosts_may_read_the_secrets_of_their_scripts_alone(deployment: Deployment) -> None:
    """A role can read exactly its script's secrets; the trainer gets no API key."""
    iam = deployment.client("iam")
    for host in ("nginx", "web", "api", "trainer", "monitoring"):
        may = set()
        for policy in iam.list_role_policies(RoleName=f"pneumonia-{host}")["PolicyNames"]:
            role = {"RoleName": f"pneumonia-{host}", "PolicyName": policy}
            for statement in iam.get_role_policy(**role)["PolicyDocument"]["Statement"]:
                if any(action.startswith("ssm:GetParameter") for action in statement["Action"]):
                    may |= {resource.rpartition("/")[2] for resource in statement["Resource"]}
        script = (ROOT / "terraform/user_data" / f"{host}.sh").read_text()
        # This deployment has neither OpenID provider nor DICOM node, so their secrets are none of
        # its business.
        theirs = r"%\{ if (?:oidc\.|dicom_)[^}]*~\}.*?%\{ endif ~\}"
        script = re.sub(theirs, "", script, flags=re.DOTALL)
        assert may == set(re.findall(r"\$\(secret ([a-z-]+)\)", script)), host
        assert ("api-key" in may) == (host == "api")


def test_subnets_have_their_ways_out(deployment: Deployment) -> None:
    """Public ones by the internet gateway, private ones by the NAT gateway, all of them to S3 by an
    endpoint; all traffic is logged."""
    ec2 = deployment.client("ec2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.20.0.0/16"]}])["Vpcs"]
    ours = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = {s["SubnetId"]: s["CidrBlock"] for s in ec2.describe_subnets(Filters=ours)["Subnets"]}
    ways, tables = {}, set()
    for table in ec2.describe_route_tables(Filters=ours)["RouteTables"]:
        out = {
            "NatGatewayId" in route
            for route in table["Routes"]
            if route.get("DestinationCidrBlock") == "0.0.0.0/0"
        }
        for association in table["Associations"]:
            if subnet := association.get("SubnetId"):
                ways[subnets[subnet]] = out
                tables.add(table["RouteTableId"])
    assert ways == {
        "10.20.0.0/24": {False},
        "10.20.1.0/24": {False},
        "10.20.100.0/24": {True},
        "10.20.101.0/24": {True},
    }
    [endpoint] = ec2.describe_vpc_endpoints(Filters=ours)["VpcEndpoints"]
    assert endpoint["ServiceName"] == "com.amazonaws.eu-central-1.s3"
    assert set(endpoint["RouteTableIds"]) == tables
    [log] = ec2.describe_flow_logs()["FlowLogs"]
    assert log["ResourceId"] == vpc["VpcId"] and log["TrafficType"] == "ALL"


def test_buckets_are_closed_encrypted_and_versioned(deployment: Deployment) -> None:
    """All four buckets are private and encrypted; patients' images expire after a year."""
    s3 = deployment.client("s3")
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert len(names) == 4
    for name in names:
        closed = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        assert all(closed.values()) and len(closed) == 4
        encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
        default = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        assert default["SSEAlgorithm"] == "AES256"
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
        assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=name)["Policy"]
    images = next(name for name in names if "-images-" in name)
    rules = s3.get_bucket_lifecycle_configuration(Bucket=images)["Rules"]
    assert {"Days": 365} in [rule.get("Expiration") for rule in rules]


def test_secrets_are_kept_apart(deployment: Deployment) -> None:
    """Secrets are encrypted, distinct and long, and are in no user data or output."""
    ssm = deployment.client("ssm")
    secrets = ssm.get_parameters_by_path(Path="/pneumonia/", WithDecryption=True)["Parameters"]
    assert len(secrets) == 6
    assert {secret["Type"] for secret in secrets} == {"SecureString"}
    values = {secret["Value"] for secret in secrets}
    assert len(values) == 6 and min(map(len, values)) >= 32
    shown = terraform(deployment.folder, "output", "-json").stdout
    ec2 = deployment.client("ec2")
    for reservation in ec2.describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            shown += str(
                ec2.describe_instance_attribute(
                    InstanceId=instance["InstanceId"], Attribute="userData"
                )
            )
    assert not [value for value in values if value in shown]


def test_monitoring_may_list_hosts_and_tell_alerts_and_nobody_else_may(
    deployment: Deployment,
) -> None:
    """Both topics are encrypted and reach the e-mail address; no host can act on other hosts."""
    sns, iam = deployment.client("sns"), deployment.client("iam")
    topics = {topic["TopicArn"] for topic in sns.list_topics()["Topics"]}
    topics = {topic for topic in topics if not topic.endswith("-alarms")}  # for CloudWatch
    assert {topic.rsplit(":")[-1] for topic in topics} == {"pneumonia-pages", "pneumonia-tickets"}
    for topic in topics:
        assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"]
    subscriptions = sns.list_subscriptions()["Subscriptions"]
    assert {s["TopicArn"] for s in subscriptions if s["Endpoint"] == "ops@example.org"} > topics
    allowed = {}
    for host in ("nginx", "web", "api", "trainer", "monitoring"):
        role = {"RoleName": f"pneumonia-{host}", "PolicyName": "work"}
        statements = iam.get_role_policy(**role)["PolicyDocument"]["Statement"]
        allowed[host] = {
            action: statement["Resource"]
            for statement in statements
            for action in statement["Action"]
            if action.startswith(("ec2:", "sns:"))
        }
    alerts = allowed["monitoring"].pop("sns:Publish")
    assert set(alerts) == topics
    assert allowed.pop("monitoring") == {"ec2:DescribeInstances": ["*"]}
    assert not any(allowed.values())


def test_destroyed_nothing_is_left(deployment: Deployment) -> None:
    """No instance, disk, bucket, group, role or secret; Terraform alone refuses to delete the disk
    of Redis. The last test of this file."""
    command = ("destroy", "-auto-approve", "-input=false", "-no-color")
    refused = terraform(deployment.folder, *command, check=False)
    output = " ".join(refused.stdout.split())
    assert refused.returncode
    assert "aws_ebs_volume.redis[0] has lifecycle.prevent_destroy" in output
    ec2 = deployment.client("ec2")
    named = [{"Name": "tag:Name", "Values": ["pneumonia-redis"]}]
    [disk] = ec2.describe_volumes(Filters=named)["Volumes"]
    terraform(deployment.folder, *command, "-target=aws_volume_attachment.redis")
    ec2.delete_volume(VolumeId=disk["VolumeId"])
    terraform(deployment.folder, *command)
    left = [
        instance
        for reservation in ec2.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    ]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    left += [group for group in groups if group["GroupName"].startswith("pneumonia-")]
    left += ec2.describe_volumes()["Volumes"] + ec2.describe_addresses()["Addresses"]
    left += deployment.client("s3").list_buckets()["Buckets"]
    roles = deployment.client("iam").list_roles()["Roles"]
    left += [role for role in roles if role["RoleName"].startswith("pneumonia-")]
    left += deployment.client("ssm").describe_parameters()["Parameters"]
    left += deployment.client("sns").list_topics()["Topics"]
    assert not left
