"""Errors of AWS and Terraform, explained in a sentence that says what to do."""

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 300
"""Characters shown of an error that REASONS does not know."""

CREDENTIALS = (
    "AWS rejected the credentials, or none are set; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY (for a session also AWS_SESSION_TOKEN), and renew them if they have "
    "expired."
)
GPU_QUOTA = (
    "The account's quota does not allow the trainer; request the quota 'Running On-Demand G and "
    "VT instances' (for p types 'Running On-Demand P instances') in Service Quotas, or set "
    "trainer_enabled = false in terraform.tfvars."
)
REASONS = (
    (r"VcpuLimitExceeded.*trainer", GPU_QUOTA),
    (
        "VcpuLimitExceeded",
        "The account's quota does not allow so many instances; request the quota 'Running "
        "On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances' in Service Quotas.",
    ),
    (
        r"InsufficientInstanceCapacity",
        "AWS has no free instance of this type in the zone; try again later, or set another type "
        "or other zones in terraform.tfvars.",
    ),
    (
        r"(\w*LimitExceeded)(?!Exception)",
        "A quota of the account is exhausted ({0}); request more in Service Quotas, or delete what "
        "is not needed.",
    ),
    (
        r"InvalidAMIID|query returned no results(?=.*aws_ami)",
        "The image (AMI) of a host is not in this region; check image_id, trainer_image_id and "
        "trainer_image_name in terraform.tfvars.",
    ),
    (
        r"Instance cannot be destroyed.*?Resource (\S+)",
        "Refused, and nothing was changed: this plan would delete {0} and data that cannot be "
        "restored. Undo the change (a zone, `redis`, `name` in terraform.tfvars, or a resource's "
        "name), or see 'Changes that are refused' in terraform/README.md.",
    ),
    (
        r"acquiring the state lock.*?ID:\s*(\S+).*?Who:\s*(\S+)",
        "The state is locked: {1} is changing the deployment; wait for that run, or if it has "
        "crashed, run: terraform -chdir=terraform force-unlock {0}",
    ),
    (
        r"Expired|InvalidClientTokenId|InvalidToken|AuthFailure|SignatureDoesNotMatch|SSO|"
        r"NoCredential|Unable to locate credentials|[Nn]o valid credential|Partial credentials",
        CREDENTIALS,
    ),
    (
        r"(?:UnauthorizedOperation|AccessDenied|\(403\))(?:.*?(?:perform:|calling the) ([\w:]+))?",
        "The credentials lack a permission ({0}); use an account that may create what "
        "terraform/README.md lists.",
    ),
    (
        r"Could not connect to the endpoint|no such host|Failed to query available provider",
        "AWS or the Terraform registry cannot be reached; check the network and AWS_ENDPOINT_URL.",
    ),
)
"""A pattern of the error's text, and the sentence that the pattern's groups complete."""


class CannotDeploy(RuntimeError):
    """One sentence: why the command failed, and what to do."""


def explain(error: str, place: str = "") -> str:
    """The sentence for an error of AWS or Terraform; `place` is the resource it concerns."""
    text = " ".join(f"{error} {place}".replace("\u2502", " ").split())
    for pattern, sentence in REASONS:
        if found := re.search(pattern, text):
            return sentence.format(*found.groups("AWS does not say which"))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def explain_diagnostic(diagnostic: Mapping[str, Any]) -> str:
    """The sentence for a diagnostic of Terraform; without an address it names the block."""
    snippet = diagnostic.get("snippet") or {}
    place = diagnostic.get("address") or snippet.get("context") or ""
    return explain(f"{diagnostic['summary']}: {diagnostic.get('detail', '')}", f"({place})")
