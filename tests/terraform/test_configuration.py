"""`terraform/`: format, validity, refused values, and the scripts of the hosts."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stack import ROOT
from tests.terraform.local_aws import TERRAFORM, copy_configuration, render, terraform

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here")
SWITCHED_OFF = (
    '{domain = "", public_name = "192.0.2.1", first = false, local_redis = false, redis_scheme = '
    '"rediss", redis_host = "master.redis.example", redis_options = "?ssl_cert_reqs=required", '
    'dicom_peers = "", results_to = "", has_dicom = false, sends_results = false, '
    'oidc = {issuer = ""}}'
)
"""As on a second API host, with ElastiCache and without a domain or an OpenID provider."""
HOSTS = ("nginx", "web", "api", "monitoring", "trainer")
SCRIPT_BYTES = 16384
"""The limit of AWS for user data."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initialised copy."""
    copied = copy_configuration(tmp_path_factory.mktemp("configuration") / "terraform")
    terraform(copied, "init", "-input=false")
    return copied


def test_format() -> None:
    """`terraform fmt` would change nothing."""
    assert terraform(TERRAFORM, "fmt", "-check", "-recursive", check=False).stdout == ""


def test_configuration_is_valid_and_refuses_wrong_values(folder: Path) -> None:
    """`terraform test`: defaults and variants are planned, and a wrong value of each variable is
    refused."""
    terraform(folder, "validate")
    done = terraform(folder, "test", "-no-color")
    assert " 0 failed" in done.stdout


def test_each_variable_is_typed_described_and_validated() -> None:
    """`terraform test` refuses a wrong value of each variable; booleans are checked by Terraform
    itself."""
    blocks = re.findall(
        r'(?ms)^variable "(\w+)" \{\n(.*?)^\}', (TERRAFORM / "variables.tf").read_text()
    )
    refused = (TERRAFORM / "tests" / "variables.tftest.hcl").read_text()
    assert len(blocks) > 15
    for name, block in blocks:
        assert re.search(r'(?m)^  description = "\S', block) and "\n  type " in block, name
        if not re.search(r"(?m)^  type +=? *bool$", block):
            assert "  validation {" in block, name
            assert f"expect_failures = [var.{name}]" in refused, name


@pytest.mark.parametrize("changed", ["{}", SWITCHED_OFF], ids=["on", "off"])
@pytest.mark.parametrize("host", HOSTS)
def test_scripts_are_sound(folder: Path, tmp_path: Path, host: str, changed: str) -> None:
    """All names are filled in; bash, shellcheck and AWS's size limit accept the scripts."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not here")
    script = tmp_path / f"{host}.sh"
    script.write_text(render(folder, host, changed))
    assert script.stat().st_size < SCRIPT_BYTES
    subprocess.run(["bash", "-n", script], check=True)
    done = subprocess.run(
        ["shellcheck", "--severity", "style", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_no_pipe_hides_an_answer() -> None:
    """A reader that ends early, such as `grep -q` or `head`, kills the writer by SIGPIPE, which
    `pipefail` treats as a failure."""
    scripts = [*(TERRAFORM / "user_data").glob("*.sh"), ROOT / ".ci" / "run"]
    assert len(scripts) == 7
    for script in scripts:
        assert not re.search(r"\|\s*(grep\s+-\w*q|head\b|sed\s.*q)", script.read_text()), (
            script.name
        )


def test_secrets_are_assigned_before_they_are_used() -> None:
    """A failed command in a here-document, an argument list or a pipe would not end the script."""
    count = 0
    for script in (TERRAFORM / "user_data").glob("*.sh"):
        for line in script.read_text().splitlines():
            if "$(secret" in line and not line.startswith("#"):
                assert re.fullmatch(r" *[a-z_]+=\$\(secret [a-z-]+\)", line), line
                count += 1
    assert count == 10


def test_unreachable_mirror_is_an_error(tmp_path: Path) -> None:
    """Every call of apt waits for the lock and fails if a mirror is unreachable; without options
    apt-get would exit with 0."""
    if shutil.which("apt-get") is None:
        pytest.skip("apt-get is not here")
    calls = [
        line.split("apt-get", 1)[1].split()
        for script in (TERRAFORM / "user_data").glob("*.sh")
        for line in script.read_text().splitlines()
        if re.search(r"\bapt-get\b", line) and not line.lstrip().startswith("#")
    ]
    [options] = [[word for word in call if "=" in word] for call in calls]
    assert options[0] == "DPkg::Lock::Timeout=300"
    (tmp_path / "lists").mkdir()
    (tmp_path / "sources.list").write_text("deb [trusted=yes] http://127.0.0.1:9/ ./\n")
    own = [
        f"Dir::Etc::SourceList={tmp_path}/sources.list",
        "Dir::Etc::SourceParts=/dev/null",
        f"Dir::State::Lists={tmp_path}/lists",
        f"Dir::Cache={tmp_path}",
        "Acquire::http::Proxy=false",
    ]
    without, given = (
        subprocess.run(
            ["apt-get", "update", *(f"-o{option}" for option in [*own, *more])],
            capture_output=True,
            check=False,
        )
        for more in ([], options)
    )
    assert without.returncode == 0 and given.returncode != 0


def test_scripts_name_files_of_the_release_that_are_there() -> None:
    """Every unit and template that a script names exists."""
    named = [
        (script.name, path)
        for script in (TERRAFORM / "user_data").glob("*.sh")
        for path in re.findall(
            r'(?:start_unit |"\$root/)([a-z_/.-]+\.(?:service|template|conf))', script.read_text()
        )
    ]
    assert len(named) >= 10
    assert [name for name in named if not (ROOT / name[1]).is_file()] == []
