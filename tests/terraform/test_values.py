"""Values in `terraform/` against the data of the provider, AWS and TensorFlow."""

import ast
import importlib.util
import json
import re
from importlib.metadata import requires
from importlib.resources import files

import pytest
from packaging.requirements import Requirement

from tests.terraform.local_aws import TERRAFORM

PROVIDER_FORMS = {
    "redis": r"[1-5](\.\d+){2}|6\.x|[6-9]\.\d+",
    "valkey": r"[7-9]\.\d+",
}
"""The form of `engine_version` in provider 6: internal/service/elasticache/engine_version.go of
hashicorp/terraform-provider-aws."""

CAPABILITIES = {
    "p4d": 80,
    "p4de": 80,
    "p5": 90,
    "p5e": 90,
    "p5en": 90,
    "g4dn": 75,
    "g5": 86,
    "g6": 89,
    "g6e": 89,
    "gr6": 89,
}
"""Compute capability times ten of the GPU of each family: https://developer.nvidia.com/cuda-gpus.
Families without a driver in Amazon's current images (P2: 37, P3: 70) are excluded."""


def read(name: str) -> str:
    """A file of `terraform/`."""
    return (TERRAFORM / name).read_text()


def find_one(pattern: str, text: str) -> str:
    """The one match."""
    [found] = re.findall(pattern, text)
    return str(found)


def list_offered(engine: str) -> list[str]:
    """The versions of ElastiCache in AWS's specification, as packaged by cfn-lint."""
    name = "data/schemas/extensions/aws_elasticache_cachecluster/engine_version.json"
    rules = json.loads((files("cfnlint") / name).read_text())["allOf"]
    [then] = [r["then"] for r in rules if r["if"]["properties"]["Engine"].get("const") == engine]
    return list(then["properties"]["EngineVersion"]["enum"])


def test_elasticache_has_a_version_that_provider_and_aws_take() -> None:
    """The version has the provider's form, exists, and matches the parameter group's family."""
    text = read("elasticache.tf")
    engine = find_one(r'engine += "(\w+)"', text)
    version = find_one(r'engine_version += "(.+)"', text)
    assert re.fullmatch(PROVIDER_FORMS[engine], version)
    assert version in list_offered(engine)
    assert find_one(r'family += "(\w+)"', text) == f"{engine}{version.split('.', maxsplit=1)[0]}"


@pytest.mark.parametrize("version", ["7.x", "7", "7.1.0"])
def test_other_forms_of_the_version_would_be_refused(version: str) -> None:
    """The provider's check refuses other forms; 7.x was required by provider 3."""
    assert not re.fullmatch(PROVIDER_FORMS["redis"], version)
    assert version not in list_offered("redis")


def test_trainers_gpu_is_one_that_tensorflow_was_built_for() -> None:
    """The locked TensorFlow has code for the compute capability of each accepted family, and the
    default is one of them."""
    text = read("variables.tf")
    accepted = find_one(r"regex\(\"\^\(([\w|]+)\)\\\\.\[0-9\]\*x\?large", text).split("|")
    default = find_one(r'variable "trainer_instance_type" \{[^}]*?default += "([\w]+)\.', text)
    assert sorted(accepted) == sorted(CAPABILITIES) and default in accepted
    spec = importlib.util.find_spec("tensorflow")
    assert spec and spec.submodule_search_locations
    build = files("tensorflow") / "python/platform/build_info.py"
    pairs = ast.literal_eval(find_one(r"OrderedDict\((.*)\)", build.read_text()))
    built = {int(name.partition("_")[2]) for name in dict(pairs)["cuda_compute_capabilities"]}
    for family in accepted:
        # Code for a capability also runs on later ones of the same major version.
        own = CAPABILITIES[family]
        assert any(one // 10 == own // 10 and one <= own for one in built), family


def test_cuda_packages_are_locked() -> None:
    """Every requirement of `tensorflow[and-cuda]` has one matching version in the lock, which has
    nothing else."""
    lines = [line for line in read("cuda.txt").splitlines() if not line.startswith("#")]
    locked = dict(line.split("==") for line in lines)
    asked = [
        requirement
        for requirement in map(Requirement, requires("tensorflow") or [])
        if requirement.marker and requirement.marker.evaluate({"extra": "and-cuda"})
        if not requirement.marker.evaluate({"extra": ""})
    ]
    assert len(asked) >= 10
    assert sorted(locked) == sorted(requirement.name for requirement in asked)
    assert [r.name for r in asked if not r.specifier.contains(locked[r.name])] == []
    assert "--constraint terraform/cuda.txt" in read("user_data/common.sh")
