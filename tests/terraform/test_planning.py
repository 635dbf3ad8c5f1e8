"""Plans that would lose data are refused."""

import pytest

from terraform.errors import CannotDeploy
from terraform.planning import refuse_loss


@pytest.mark.parametrize(
    ("address", "action", "refused"),
    [
        ("aws_ebs_volume.redis[0]", "delete", True),
        ('aws_s3_bucket.all["images"]', "replace", True),
        ('aws_ssm_parameter.secrets["api-key"]', "remove", True),
        ("aws_elasticache_replication_group.redis[0]", "delete", True),
        ("aws_ebs_volume.redis[0]", "update", False),
        ("aws_instance.api[0]", "replace", False),
        ('aws_s3_bucket_policy.tls_only["images"]', "replace", False),
    ],
)
def test_only_losses_are_refused(address: str, action: str, refused: bool) -> None:
    """Only data that cannot be restored is protected: a new release replaces every host."""
    try:
        refuse_loss({address: action})
    except CannotDeploy as error:
        assert refused and address in str(error)
    else:
        assert not refused
