"""The whole deployment on one machine, without an account: see terraform/README.md.

    make rehearse        # root on Linux; the report is var/rehearsal/report.txt

Terraform's configuration is applied to a stand-in of AWS; each planned host is a Debian 12 that
boots with its rendered script in a network namespace, behind the planned security groups. Then it
is used, trained, attacked and cut off. Ends with 0 when all of it held; cleans up in any case.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.rehearsal import aws, image, machines, network, scenes, training
from tests.rehearsal.people import Caller, doctor_on_internet
from tests.rehearsal.report import Report
from tests.stack import ROOT

TOOLS = {
    "terraform": "Terraform 1.10 or later (https://developer.hashicorp.com/terraform/install)",
    "systemd-nspawn": "Debian's package systemd-container",
    "debootstrap": "Debian's package debootstrap",
    "dpkg-scanpackages": "Debian's package dpkg-dev",
    "nft": "Debian's package nftables",
    "ip": "Debian's package iproute2",
}


def find_missing() -> list[str]:
    """The requirements that this machine lacks, one line each."""
    missing = [] if sys.platform == "linux" and os.geteuid() == 0 else ["root on Linux"]
    return missing + [f"{name}: {where}" for name, where in TOOLS.items() if not shutil.which(name)]


def clean_up() -> None:
    """Remove everything that this or an earlier rehearsal left."""
    network.remove_network()
    machines.remove_machines()


def rehearse(report: Report, folder: Path, stack: ExitStack) -> None:
    """Run all scenes."""
    report.head("The plan, applied to a mock of AWS")
    account = stack.enter_context(aws.running_aws())
    plan = account.apply(folder)
    report.check(f"{len(plan.hosts)} hosts, {len(plan.rules)} rules of security groups")
    image.make_image(host.script for host in plan.hosts.values())
    report.check("Debian 12, with a cache of all that the hosts install")
    image.run(sys.executable, "-m", "model.network")  # exports the shipped model, to publish it
    account.guard(plan)
    account.upload_release()
    account.upload_data(ROOT / "var" / "samples")
    version = account.run_store("publish").strip()
    account.run_store("promote", version)
    report.check("release, data set and first model uploaded, the model promoted", "", version)
    network.connect(plan, folder)
    hosts = {name: machines.Machine(host, plan.names) for name, host in sorted(plan.hosts.items())}
    for machine in hosts.values():
        stack.callback(machine.remove)
    xrays = [file.read_bytes() for file in sorted((ROOT / "var" / "samples").glob("*.jpeg"))]
    stage = scenes.Stage(plan, hosts, account, report, xrays, Caller(account.secret("api-key")))
    scenes.set_up(stage)
    if report.failed:
        return
    site = plan.hosts["nginx"].public_address
    password = account.secret("first-user-password")
    with doctor_on_internet(site, stage.certificate, password) as doctor:
        report.check("a doctor logs in over TLS from the internet", "", site)
        scenes.read_xrays(stage, doctor)
        scenes.try_paths(stage)
        scenes.try_rights(stage)
        scenes.run_scripts_again(stage)
        training.train(stage, doctor)
        training.hang(stage)
        scenes.kill_each(stage, doctor)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt


def main() -> int:
    """Check the requirements, rehearse, report."""
    if missing := find_missing():
        print("The rehearsal needs what this machine has not:", *missing, sep="\n  ")
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):  # also SIGINT, which background jobs ignore
        signal.signal(number, _interrupt)
    image.WORK.mkdir(parents=True, exist_ok=True)
    file = image.WORK / "report.txt"
    file.unlink(missing_ok=True)
    report = Report(file)
    clean_up()
    try:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            rehearse(report, Path(folder), stack)
    except KeyboardInterrupt:
        report.check("the rehearsal", "it was stopped")
    except (RuntimeError, OSError, AssertionError, subprocess.SubprocessError) as error:
        report.check("the rehearsal", f"{type(error).__name__}: {error}")
    finally:
        clean_up()
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
