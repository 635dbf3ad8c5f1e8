"""Show a plan, refuse one that loses data, and apply exactly what was shown."""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from terraform.errors import CannotDeploy
from terraform.runs import run_terraform

IRREPLACEABLE = re.compile(
    r"(aws_ebs_volume|aws_s3_bucket|aws_ssm_parameter|aws_elasticache_replication_group)\."
)
"""Records, X-rays and models, and the secrets that belong to them."""

LOSSES = ("delete", "replace", "remove")


class SavedPlan(NamedTuple):
    """A plan in a file of Terraform, and its changes: action by address."""

    folder: Path
    file: Path
    changes: dict[str, str]

    def apply(self) -> None:
        """Apply this plan and nothing else. Raises CannotDeploy."""
        total = sum(2 if action == "replace" else 1 for action in self.changes.values())
        run_terraform(self.folder, "apply", str(self.file), total=total)


@contextlib.contextmanager
def planned_changes(
    folder: Path, *options: str, release: str, targets: list[str] | None = None
) -> Iterator[SavedPlan]:
    """A plan without losses; raises CannotDeploy for any other.

    The file contains secrets, like the state, and is deleted on exit.
    """
    file = folder / ".terraform" / "deploy.plan"
    variables = {"release": release}
    try:
        changes = run_terraform(
            folder, "plan", f"-out={file}", *options, targets=targets, variables=variables
        )
        refuse_loss(changes)
        yield SavedPlan(folder, file, changes)
    finally:
        file.unlink(missing_ok=True)


def refuse_loss(changes: Mapping[str, str]) -> None:
    """Raise CannotDeploy if a change would lose data that cannot be restored."""
    lost = [
        address
        for address, action in changes.items()
        if action in LOSSES and IRREPLACEABLE.match(address)
    ]
    if lost:
        raise CannotDeploy(
            f"Refused, and nothing was changed: this plan would delete {', '.join(lost)} and data "
            "that cannot be restored. Undo the change (a zone, `redis`, `name` in "
            "terraform.tfvars, or a resource's name), or see 'Changes that are refused' in "
            "terraform/README.md."
        )


def print_changes(changes: Mapping[str, str]) -> None:
    """Print a line for each kind of resource, and for each resource to delete or replace."""
    alike = Counter(
        (action, address if action in LOSSES else address.partition("[")[0])
        for address, action in changes.items()
    )
    for (action, address), count in sorted(alike.items()):
        print(f"  {action:8} {address}{f' ({count})' if count > 1 else ''}")
