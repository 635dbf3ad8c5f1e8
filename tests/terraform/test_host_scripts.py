"""Each host's script when a program fails: every call fails, one at a time."""

import shutil
from pathlib import Path

import pytest

from tests.terraform.host_scripts import SECRETS, FakeHost, Run, find_missing, pack_release
from tests.terraform.local_aws import copy_configuration, render, terraform

pytestmark = [
    pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not here"),
    pytest.mark.skipif(bool(find_missing()), reason=find_missing()),
]
HOSTS = ("nginx", "web", "api", "monitoring", "trainer")
FSTAB = "/etc/fstab"
"""The only file that exists before; its other lines stay."""

ANSWERS = ("get-parameter", "lsblk", "wipefs", "list-unit-files", "?wait=", "gpg.key")
"""Calls whose output the scripts use."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initialised copy of `terraform/`, and the release that its hosts install."""
    home = tmp_path_factory.mktemp("hosts")
    copied = copy_configuration(home / "terraform")
    terraform(copied, "init", "-input=false")
    pack_release(home)
    return home


@pytest.fixture(scope="module")
def scripts(folder: Path) -> dict[str, str]:
    """Each host's script as Terraform writes it."""
    return {name: render(folder / "terraform", name) for name in HOSTS}


def make_host(folder: Path, home: Path, script: str) -> FakeHost:
    """A host before its first start."""
    home.mkdir()
    return FakeHost(home, folder / "release.tar.gz", script)


def find_faults(host: FakeHost, clean: FakeHost, first: Run) -> list[str]:
    """The faults after a run with a failure, and after the next run."""
    expected, faults = clean.read_settings(), []
    for path, content in host.read_settings().items():
        if path != FSTAB and path in expected and content != expected[path]:
            faults.append(f"{path} is wrong after the first run")
    if any(value in first.printed for value in SECRETS.values()):
        faults.append("a secret is in the log")
    if first.status != 0 and (second := host.run("run")).status != 0:
        faults.append(f"the second run fails: {second.printed[-300:]}")
    if (settings := host.read_settings()) != expected:
        other = {p for p in settings.keys() | expected.keys() if settings.get(p) != expected.get(p)}
        faults.append(f"other settings than after a clean run, status {first.status}: {other}")
    return faults


def run_clean(folder: Path, home: Path, script: str) -> tuple[FakeHost, list[str]]:
    """A host after a successful run, and the calls of that run."""
    clean = make_host(folder, home, script)
    run = clean.run("run")
    assert run.status == 0, run.printed
    return clean, run.calls


@pytest.fixture(scope="module")
def common(
    folder: Path, scripts: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> frozenset[str]:
    """Calls that every host makes; they are tested on the web host only."""
    home = tmp_path_factory.mktemp("common") / "web"
    return frozenset(run_clean(folder, home, scripts["web"])[1])


@pytest.mark.parametrize("manner", ["once", "always"])
@pytest.mark.parametrize("name", HOSTS)
def test_failed_call_leaves_no_wrong_setting(
    folder: Path,
    scripts: dict[str, str],
    common: frozenset[str],
    tmp_path: Path,
    name: str,
    manner: str,
) -> None:
    """Call k fails, for each k: once, or each time that it is made. The script ends well with the
    settings of a clean run, or it fails and the next run makes them; no file ever holds another
    value."""
    clean, calls = run_clean(folder, tmp_path / "clean", scripts[name])
    found = []
    for number, call in enumerate(calls, 1):
        if name == "web" or call not in common:
            host = make_host(folder, tmp_path / str(number), scripts[name])
            first = host.run("run", fail=number, manner=manner)
            found += [f"{call[:80]}: {fault}" for fault in find_faults(host, clean, first)]
    assert found == []


@pytest.mark.parametrize("name", HOSTS)
def test_sentence_in_the_place_of_a_value_is_refused(
    folder: Path, scripts: dict[str, str], common: frozenset[str], tmp_path: Path, name: str
) -> None:
    """The same holds if a program prints a message but exits with 0."""
    clean, calls = run_clean(folder, tmp_path / "clean", scripts[name])
    found = []
    for number, call in enumerate(calls, 1):
        if any(part in call for part in ANSWERS) and (name == "web" or call not in common):
            host = make_host(folder, tmp_path / str(number), scripts[name])
            first = host.run("run", fail=number, manner="lie")
            found += [f"{call[:80]}: {fault}" for fault in find_faults(host, clean, first)]
    assert found == []


DISK = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0"


def test_disk_is_the_volume_that_is_meant(
    folder: Path, scripts: dict[str, str], tmp_path: Path
) -> None:
    """The disk is found by its serial number, formatted once and mounted by a stable name; other
    lines of fstab stay."""
    script = scripts["api"]
    host = make_host(folder, tmp_path / "api", script)
    first = host.run("run")
    assert f"mkfs.ext4 -q {DISK}" in first.calls
    table = (host.folder / "etc/fstab").read_text().splitlines()
    assert table == [
        "UUID=0123 / ext4 defaults 0 1",
        f"{DISK} /var/lib/pneumonia/redis ext4 defaults,nofail 0 2",
    ]
    host.answer("signatures", "ext4\n")
    second = host.run("run")
    assert second.status == 0 and f"mkfs.ext4 -q {DISK}" not in second.calls
    assert (host.folder / "etc/fstab").read_text().splitlines() == table


@pytest.mark.parametrize(
    ("serial", "signatures", "message"),
    [
        ("AWS0123456789ABCDEF0", "", "The serial number of"),
        ("vol0123456789abcdef1", "", "The serial number of"),
        ("vol0123456789abcdef0", "xfs\n", "holds something other than Redis's files"),
        ("vol0123456789abcdef0", "gpt\nPMBR\n", "holds something other than Redis's files"),
    ],
    ids=["instance-store", "another-volume", "another-file-system", "partitions"],
)
def test_other_disk_is_left_alone(
    folder: Path,
    scripts: dict[str, str],
    tmp_path: Path,
    serial: str,
    signatures: str,
    message: str,
) -> None:
    """An instance store, another volume or a disk in use is neither formatted nor mounted."""
    host = make_host(folder, tmp_path / "api", scripts["api"])
    host.answer("serial", f"{serial}\n")
    host.answer("signatures", signatures)
    run = host.run("run")
    assert run.status != 0 and message in run.printed
    assert not [call for call in run.calls if call.startswith(("mkfs", "mount "))]


def test_empty_setting_is_refused(folder: Path, scripts: dict[str, str], tmp_path: Path) -> None:
    """A setting without a value is never written."""
    script = scripts["web"].replace("WEB_HOST=0.0.0.0", "WEB_HOST=")
    host = make_host(folder, tmp_path / "web", script)
    run = host.run("run")
    assert run.status != 0 and "The setting WEB_HOST does not have the form" in run.printed
    assert not (host.folder / "etc/pneumonia/env").exists()


@pytest.mark.parametrize("name", HOSTS)
def test_first_start_hands_over_to_systemd(
    folder: Path, scripts: dict[str, str], tmp_path: Path, name: str
) -> None:
    """Cloud-init installs a unit that retries until the script has succeeded."""
    host = make_host(folder, tmp_path / name, scripts[name])
    first = host.run()
    assert first.status == 0 and first.calls[-1] == "systemctl start --no-block pneumonia-setup"
    assert "systemctl enable --quiet pneumonia-setup" in first.calls
    unit = (host.folder / "etc/systemd/system/pneumonia-setup.service").read_text()
    for line in ("Restart=on-failure", "ConditionPathExists=!/opt/pneumonia/set-up"):
        assert f"\n{line}\n" in unit
    assert (host.folder / "opt/pneumonia/setup.sh").read_text() == host.script
    done = host.folder / "opt/pneumonia/set-up"
    assert not done.exists()
    assert host.run("run").status == 0 and done.exists()


def test_trainer_powers_off_after_its_set_up(
    folder: Path, scripts: dict[str, str], tmp_path: Path
) -> None:
    """The first run powers off, later runs by hand do not. The trainer has no API key."""
    host = make_host(folder, tmp_path / "trainer", scripts["trainer"])
    assert host.run("run").calls[-1] == "systemctl poweroff"
    assert "systemctl poweroff" not in host.run("run").calls
    assert "API_KEY" not in (host.folder / "etc/pneumonia/env").read_text()


def test_api_host_is_set_up_when_it_judged_an_xray(
    folder: Path, scripts: dict[str, str], tmp_path: Path
) -> None:
    """A queued X-ray does not count as set up; the X-ray is deleted in any case."""
    host = make_host(folder, tmp_path / "api", scripts["api"])
    host.answer("judged", '{"id": "0a1b2c", "status": "queued"}')
    run = host.run("run")
    assert run.status != 0 and "The X-ray was not analysed." in run.printed
    assert not (host.folder / "opt/pneumonia/set-up").exists()
    host.answer("judged", '{"id": "0a1b2c", "status": "done"}')
    run = host.run("run")
    assert run.status == 0 and (host.folder / "opt/pneumonia/set-up").exists()
    assert any("--request DELETE" in call and "/v1/xrays/0a1b2c" in call for call in run.calls)
