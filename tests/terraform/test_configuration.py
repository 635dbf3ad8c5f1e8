"""`terraform/`: format, validity, refused variables, and the scripts of the hosts."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stack import ROOT
from tests.terraform.local_aws import TERRAFORM, copy_configuration, terraform

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")
HOSTS = ("nginx", "web", "api", "monitoring", "trainer")
SCRIPT_BYTES = 16384
"""What AWS takes as user data at most."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that was initialised."""
    copied = copy_configuration(tmp_path_factory.mktemp("configuration") / "terraform")
    terraform(copied, "init", "-input=false")
    return copied


def test_format() -> None:
    """As `terraform fmt` writes it."""
    assert terraform(TERRAFORM, "fmt", "-check", "-recursive", check=False).stdout == ""


def test_configuration_is_valid_and_refuses_wrong_values(folder: Path) -> None:
    """`terraform test`: defaults and variants are planned, and a wrong value of each variable is
    refused."""
    terraform(folder, "validate")
    done = terraform(folder, "test", "-no-color")
    assert " 0 failed" in done.stdout


def render(folder: Path, host: str, change: str = "") -> str:
    """A host's script as Terraform writes it, with what differs between hosts switched on."""
    values = (
        '{name = "pneumonia", region = "eu-central-1", release_url = "s3://r/release-1.tar.gz", '
        'endpoint_url = "", inside = "pneumonia.internal", images_url = "s3://i/xrays", '
        'models_url = "s3://a/models", domain = "xray.example.org", email = "ops@example.org", '
        'public_name = "xray.example.org", nginx_address = "10.20.0.10", '
        'api_addresses = ["10.20.100.20", "10.20.100.21"], local_redis = true, '
        'redis_scheme = "redis", tensorflow = "tensorflow", data_url = "s3://d/kermany", '
        f'hours = 6, address = "10.20.100.20", first = true{change}}}'
    )
    parts = ", ".join(f'templatefile("user_data/{n}.sh", {values})' for n in ("common", host))
    done = subprocess.run(
        ["terraform", f"-chdir={folder}", "console"],
        input=f'base64encode(join("\\n", [{parts}]))',
        capture_output=True,
        text=True,
        check=True,
    )
    return base64.b64decode(json.loads(done.stdout.splitlines()[-1])).decode()


@pytest.mark.parametrize("host", HOSTS)
def test_scripts_are_sound(folder: Path, tmp_path: Path, host: str) -> None:
    """No name is left unfilled, bash reads them, shellcheck has nothing to say, AWS takes them."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not here")
    # The variables of the test's own run are not needed: console reads no state.
    script = tmp_path / f"{host}.sh"
    script.write_text(render(folder, host))
    assert script.stat().st_size < SCRIPT_BYTES
    subprocess.run(["bash", "-n", script], check=True)
    done = subprocess.run(
        ["shellcheck", "--severity", "style", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_scripts_start_units_and_fill_templates_that_are_there() -> None:
    """Every file of the release that a script names."""
    for script in (TERRAFORM / "user_data").glob("*.sh"):
        for word in script.read_text().split():
            path = word.strip('"').removeprefix("$root/")
            if path.endswith((".service", ".template", "proxy.conf")) and "/" in path:
                if path.startswith(("/", "$")):
                    continue
                assert (ROOT / path).is_file(), f"{script.name} names {path}"
