"""The scenes of a rehearsal; each writes its checks into the report."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests

from tests.pneumonia_web.visitor import Visitor
from tests.rehearsal import probes
from tests.rehearsal.aws import ENDPOINT, REGION, Account, bucket
from tests.rehearsal.image import WORK
from tests.rehearsal.machines import Machine
from tests.rehearsal.network import Plan, inside
from tests.rehearsal.people import JUDGED, Caller, upload
from tests.rehearsal.report import Report

SET_UP_SECONDS = 900
BACK_SECONDS = 180
RESCUE_SECONDS = 300
"""Limits for a busy machine. X-rays that a dead worker had in progress are requeued after 90 s,
by another worker."""

SECRET = ("ssm", "get-parameter", "--with-decryption", "--query", "Parameter.Name", "--name")
OBJECTS = ("s3api", "list-objects-v2", "--max-items", "1", "--query", "Name", "--bucket")
PUT = ("s3api", "put-object", "--key", "probe", "--bucket")
RIGHTS = (
    ("nginx", False, *SECRET, "/pneumonia/api-key"),
    ("nginx", False, *OBJECTS, bucket("images")),
    ("web", True, *SECRET, "/pneumonia/secret-key"),
    ("web", False, *SECRET, "/pneumonia/api-key"),
    ("web", False, *SECRET, "/pneumonia/redis-password"),
    ("web", False, *OBJECTS, bucket("images")),
    ("api-0", True, *SECRET, "/pneumonia/redis-password"),
    ("api-0", False, *SECRET, "/pneumonia/grafana-password"),
    ("api-0", True, *OBJECTS, bucket("images")),
    ("api-0", False, *OBJECTS, bucket("data")),
    ("api-0", False, *PUT, bucket("artifacts")),
    ("api-1", False, *PUT, bucket("releases")),
    ("monitoring", True, *SECRET, "/pneumonia/grafana-password"),
    ("monitoring", False, *SECRET, "/pneumonia/api-key"),
    ("monitoring", False, *SECRET, "/pneumonia/secret-key"),
)
"""Host, whether the call is allowed, and the call."""


@dataclass
class Stage:
    """What the scenes share."""

    plan: Plan
    machines: dict[str, Machine]
    account: Account
    report: Report
    xrays: list[bytes]
    caller: Caller

    @property
    def api_addresses(self) -> list[str]:
        """The names of all API hosts."""
        return [host.address for name, host in self.plan.hosts.items() if name.startswith("api-")]

    @property
    def certificate(self) -> Path:
        """The certificate that nginx serves."""
        return WORK / "hosts/nginx/root/var/lib/pneumonia/nginx/tls/certificate.pem"


def set_up(stage: Stage) -> None:
    """Boot all machines at once and wait for their scripts."""
    stage.report.head("Set up by the rendered scripts")
    for machine in stage.machines.values():
        machine.start()
    for name, machine in stage.machines.items():
        if name != "trainer":
            stage.report.check(f"{name} is set up", machine.wait_set_up(SET_UP_SECONDS))
    trainer = stage.machines["trainer"]
    off = trainer.wait_off(SET_UP_SECONDS)
    stage.report.check(
        "trainer installed itself and powered off", "" if off else trainer.setup_log()
    )


def run_scripts_again(stage: Stage) -> None:
    """Run the scripts again: they are idempotent."""
    stage.report.head("Each script a second time")
    for name, machine in stage.machines.items():
        if name == "trainer":
            continue
        done = machine.run("bash", "/opt/pneumonia/setup.sh", "run", seconds=240)
        stage.report.check(name, "" if done.returncode == 0 else done.stdout + done.stderr)


def read_xrays(stage: Stage, doctor: Visitor) -> None:
    """Use the site from the internet: HTTPS redirect, uploads, predictions."""
    stage.report.head("A doctor on the internet")
    plain = requests.get(doctor.url.replace("https", "http"), allow_redirects=False, timeout=10)
    there = plain.headers.get("Location", "")
    fault = "" if there.startswith("https://") else f"status {plain.status_code}"
    stage.report.check("HTTP leads to HTTPS", fault)
    proof = "/var/lib/pneumonia/nginx/acme/.well-known/acme-challenge/proof"
    stage.machines["nginx"].run("install", "-D", "-m", "644", "/etc/hostname", proof)
    path = proof.removeprefix("/var/lib/pneumonia/nginx/acme")
    answer = requests.get(f"http://{doctor.url.removeprefix('https://')}{path}", timeout=10)
    fault = "" if answer.text.strip() == "nginx" else f"status {answer.status_code}"
    stage.report.check("Let's Encrypt would find what certbot leaves for it", fault)
    front = doctor.get("/xrays")
    policy = front.headers.get("Strict-Transport-Security", "")
    stage.report.check("HTTPS is kept to (HSTS)", "" if "max-age" in policy else "no header")
    early = read = 0
    for xray in stage.xrays:
        path = f"/xrays/{upload(doctor, xray)}"
        early += "probability of pneumonia" in doctor.get(path).text
        read += "probability of pneumonia" in doctor.answer(path, label="unsure").text
    stage.report.check(
        f"{len(stage.xrays)} real X-rays uploaded, predictions read after the doctor's own reading",
        "" if (early, read) == (0, len(stage.xrays)) else f"{early} read before, {read} after",
    )


def wait(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; whether it became true in time."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(1)
    return True


def try_paths(stage: Stage) -> None:
    """Check the open and the closed network paths."""
    stage.report.head("Paths between hosts")
    for name, fault in probes.find_faults(stage.plan):
        stage.report.check(name, fault)


def try_rights(stage: Stage) -> None:
    """Check that each role can access exactly its own secrets and objects."""
    stage.report.head("What hosts may do on AWS")
    for name, may, *what in RIGHTS:
        command = ["aws", "--region", REGION, "--endpoint-url", ENDPOINT, *what, "--output", "text"]
        done = stage.machines[name].run(*command)
        errors = done.stderr.strip()
        refused = "AccessDenied" in errors or "Forbidden" in errors or "403" in errors
        fault = "" if (done.returncode == 0 if may else refused) else errors or "it may"
        line = f"{name} {'may' if may else 'may not'} {what[1]} {what[-1]}"
        stage.report.check(line, fault)


def kill_each(stage: Stage, doctor: Visitor) -> None:
    """Cut the power of each host; it comes back, and no accepted X-ray is lost."""
    stage.report.head("Each host is killed")
    accepted = set(stage.caller.list_xrays(stage.api_addresses[0]))
    for number, (name, machine) in enumerate(stage.machines.items()):
        if name == "trainer":
            continue  # tested above, during a run
        # Do not wait, so that some are done, some in progress and some queued at the power cut.
        for xray in stage.xrays:
            other = xray + bytes([number, 255])
            accepted.add(stage.caller.send(stage.api_addresses[0], other))
        machine.kill()
        machine.start()
        began = time.monotonic()
        works = wait(partial(_works, stage, doctor, name), BACK_SECONDS)
        seconds = f"{time.monotonic() - began:.0f} s"
        stage.report.check(f"{name} comes back", "" if works else "it does not", seconds)
    address = stage.api_addresses[0]

    def find_lost() -> list[str]:
        there = stage.caller.list_xrays(address)
        return [i for i in accepted if i not in there or there[i]["status"] not in JUDGED]

    began = time.monotonic()
    wait(lambda: not find_lost(), RESCUE_SECONDS)
    lost = find_lost()
    stage.report.check(
        "no X-ray is lost",
        f"{len(lost)} of {len(accepted)}" if lost else "",
        f"{len(accepted)} accepted, all judged after {time.monotonic() - began:.0f} s more",
    )


def _works(stage: Stage, doctor: Visitor, name: str) -> bool:
    """Whether the host works for its users."""
    try:
        if name == "monitoring":
            with inside(name):
                return requests.get("http://127.0.0.1:9090/-/ready", timeout=3).ok
        if name.startswith("api-"):
            stage.caller.get(stage.plan.hosts[name].address, "/v1/model")
        number = time.monotonic_ns().to_bytes(8)
        return bool(upload(doctor, stage.xrays[0] + number))
    except (requests.RequestException, RuntimeError):
        return False
