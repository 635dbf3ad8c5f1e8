"""moto's server with three bugs fixed.

    python -m tests.terraform.moto_server -H 127.0.0.1 -p PORT

As it is, moto forgets groups that were given with an interface, as the provider gives them, and no
plan ever comes to rest; its elastic addresses are loopback's, which lead nowhere; and when it
checks rights, every parameter is every other (moto 5.2).
"""

import sys
from typing import Any

from moto.ec2.models import elastic_ip_addresses
from moto.ec2.models.instances import Instance
from moto.ec2.utils import random_public_ip
from moto.server import main
from moto.ssm.responses import SimpleSystemManagerResponse


def list_groups(instance: Any) -> Any:
    """The groups of the primary interface, where AWS keeps them, or those of the request."""
    interfaces = instance.__dict__.get("nics")
    on_interface = interfaces[0]._group_set if interfaces else []
    return on_interface or instance.__dict__.get("groups_of_request", [])


def keep_groups(instance: Any, groups: Any) -> None:
    """Keep the groups of the request; there is no interface yet."""
    instance.__dict__["groups_of_request"] = groups


def name_parameter(request: Any) -> str:
    """The ARN of a parameter, as policies name it."""
    name = request._get_param("Name") or "*"
    return f"arn:aws:ssm:{request.region}:{request.current_account}:parameter{name}"


if __name__ == "__main__":
    setattr(Instance, "security_groups", property(list_groups, keep_groups))  # noqa: B010
    setattr(elastic_ip_addresses, "random_ip", random_public_ip)  # noqa: B010
    setattr(SimpleSystemManagerResponse, "_determine_resource", name_parameter)  # noqa: B010
    main(sys.argv[1:])
