"""Errors of AWS and Terraform are explained."""

import pytest

from terraform.errors import explain


@pytest.mark.parametrize(
    ("error", "place", "sentence"),
    [
        (
            "Error: creating EC2 Instance: VcpuLimitExceeded: You have requested more vCPU "
            "capacity than your current vCPU limit of 0 allows for the instance bucket.",
            "aws_instance.trainer[0]",
            "request the quota 'Running On-Demand G and VT instances'",
        ),
        ("VcpuLimitExceeded: You have requested more", "aws_instance.web", "On-Demand Standard"),
        ("AddressLimitExceeded: The maximum number of addresses", "", "(AddressLimitExceeded)"),
        ("InvalidAMIID.NotFound: The image id '[ami-1]' does not exist", "", "The image (AMI)"),
        ("An error occurred (ExpiredToken) when calling the GetCallerIdentity", "", "renew them"),
        ("AccessDenied: User: x is not authorized to perform: ec2:RunInstances", "", "(ec2:Run"),
        ("An error occurred (403) when calling the HeadObject operation", "", "(HeadObject)"),
        ("InsufficientInstanceCapacity: We currently do not have", "", "no free instance"),
        ("new" * 200, "", "new ..."),
    ],
)
def test_errors_are_explained(error: str, place: str, sentence: str) -> None:
    """A known error becomes a sentence that says what to do; an unknown one is shortened."""
    found = explain(error, place)
    assert sentence in found and len(found) < 400
