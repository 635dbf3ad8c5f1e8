"""What deploy.py builds with: Terraform runs with progress, errors in a sentence, the release."""

import contextlib
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from python_terraform import IsFlagged, Terraform

from model.serving.artifact import read_artifact
from model.serving.artifact_store import ArtifactStore
from model.serving.export import is_whole

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (1, 10)
LONGEST = 300
"""Characters of an error of Terraform that is in no row of REASONS."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CREDENTIALS = (
    "AWS does not take the credentials, or there are none; set AWS_PROFILE, or AWS_ACCESS_KEY_ID "
    "and AWS_SECRET_ACCESS_KEY (with a session also AWS_SESSION_TOKEN), and renew them if they "
    "have expired."
)
GPU_QUOTA = (
    "The account may not start the trainer; ask for the quota 'Running On-Demand G and VT "
    "instances' (for p types 'Running On-Demand P instances') in Service Quotas, or set "
    "trainer_enabled = false in terraform.tfvars."
)
REASONS = (
    (r"VcpuLimitExceeded.*trainer", GPU_QUOTA),
    (
        "VcpuLimitExceeded",
        "The account may not start so many instances; ask for the quota 'Running On-Demand "
        "Standard (A, C, D, H, I, M, R, T, Z) instances' in Service Quotas.",
    ),
    (
        r"InsufficientInstanceCapacity",
        "AWS has no free instance of that type in the zone now; try again later, or choose another "
        "type or other zones in terraform.tfvars.",
    ),
    (
        r"(\w*LimitExceeded)(?!Exception)",
        "A quota of the account is used up ({0}); ask for more in Service Quotas, or delete what "
        "is not needed.",
    ),
    (
        r"InvalidAMIID|query returned no results(?=.*aws_ami)",
        "The image (AMI) of a host is not in this region; look at image_id, trainer_image_id and "
        "trainer_image_name in terraform.tfvars.",
    ),
    (
        r"Instance cannot be destroyed.*?Resource (\S+)",
        "Refused, and nothing was changed: this plan would delete {0}, and with it what cannot be "
        "made again. Take the change back (a zone, `redis`, `name` in terraform.tfvars, or a "
        "resource's name), or see 'Changes that are refused' in terraform/README.md.",
    ),
    (
        r"acquiring the state lock.*?ID:\s*(\S+).*?Who:\s*(\S+)",
        "The state is locked: {1} is changing the deployment; wait for it, and only if that run is "
        "dead: terraform -chdir=terraform force-unlock {0}",
    ),
    (
        r"Expired|InvalidClientTokenId|InvalidToken|AuthFailure|SignatureDoesNotMatch|SSO|"
        r"NoCredential|Unable to locate credentials|[Nn]o valid credential|Partial credentials",
        CREDENTIALS,
    ),
    (
        r"(?:UnauthorizedOperation|AccessDenied|\(403\))(?:.*?(?:perform:|calling the) ([\w:]+))?",
        "The credentials lack a right ({0}); use an account that may make what terraform/README.md "
        "lists.",
    ),
    (
        r"Could not connect to the endpoint|no such host|Failed to query available provider",
        "AWS or Terraform's registry cannot be reached; look at the network and at "
        "AWS_ENDPOINT_URL.",
    ),
)


class CannotDeploy(RuntimeError):
    """One sentence that says why not, and what to do."""


def explain(error: str, place: str = "") -> str:
    """The sentence for an error of AWS or Terraform; `place` is the resource it is about."""
    text = " ".join(f"{error} {place}".replace("\u2502", " ").split())
    for pattern, sentence in REASONS:
        if found := re.search(pattern, text):
            return sentence.format(*found.groups("AWS does not say which"))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def check_terraform(folder: Path) -> None:
    """Raise unless a Terraform that is new enough and terraform.tfvars are there."""
    needed = f"Terraform {OLDEST[0]}.{OLDEST[1]} or later is needed"
    if shutil.which("terraform") is None:
        raise CannotDeploy(f"{needed} and none is on PATH; install it from terraform.io.")
    out = ask_terraform(folder, "version", "-json")
    found = re.search(r'"terraform_version": *"([0-9]+\.[0-9]+\.[^"]+)"', out)
    if found is None:
        raise CannotDeploy(f"{needed} and the one on PATH does not say its version.")
    version = found[1]
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise CannotDeploy(f"{needed} and {version} is on PATH; install a newer one.")


def ask_terraform(folder: Path, *command: str, empty: str | None = None) -> str:
    """What it prints; nothing if it fails with the error `empty`.

    Raises CannotDeploy for any other failure: its output would be taken for an answer.
    """
    code, out, said = Terraform(str(folder)).cmd(*command)
    if code and not (empty and empty in said):
        raise CannotDeploy(explain(re.sub(r"\x1b\[\d*m", "", said or out)))
    return "" if code else str(out)


def read_setting(folder: Path, name: str) -> str:
    """A text variable: from the files that Terraform reads, the environment, or its default."""
    for file in (*sorted(folder.glob("*.auto.tfvars"), reverse=True), folder / "terraform.tfvars"):
        if found := re.search(rf'(?m)^\s*{name}\s*=\s*"(.*)"', file.read_text()):
            return found[1]
    default = rf'variable "{name}" {{.*?\n  default\s*=\s*"(.*?)"\n'
    found = re.search(default, (folder / "variables.tf").read_text(), re.DOTALL)
    return os.environ.get(f"TF_VAR_{name}") or (found[1] if found else "")


def show(text: str, *, lasting: bool = True) -> None:
    """A line of progress; one that does not last is overwritten, and in a file not written."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{text[:width]}", end="\n" if lasting else "", flush=True)
    elif lasting:
        print(text, flush=True)


@contextlib.contextmanager
def passing_signals_on(process: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Ask Terraform to end, once: at a second signal it would drop what it does, and its state.

    It is in a session of its own for that, so that the terminal's Ctrl-C reaches us alone.
    """
    caught: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        del frame
        if number == signal.SIGHUP:  # there is no terminal any more, but Terraform shall end well
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not caught:
            process.send_signal(signal.SIGINT)
        caught.append(number)
        os.write(sys.stdout.fileno(), b"\nTerraform ends what it has begun; wait ...\n")

    before = {number: signal.signal(number, pass_on) for number in STOP_SIGNALS}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_terraform(
    folder: Path,
    command: str,
    *arguments: str,
    targets: list[str] | None = None,
    variables: Mapping[str, str] | None = None,
    total: int = 0,
) -> dict[str, str]:
    """Run it, show its progress, return what it planned: action by address. Raises CannotDeploy.

    `total` is how many changes a plan that was saved will make; Terraform does not repeat it.

    python-terraform writes the command and its file of variables; it is not run by `Terraform.cmd`,
    which is silent until the end.
    """
    terraform = Terraform(str(folder))
    line = terraform.generate_cmd_string(
        command, *arguments, json=IsFlagged, input=False, target=targets, var=variables
    )
    planned: dict[str, str] = {}
    errors: list[str] = []
    rest = ""
    done = 0
    with subprocess.Popen(
        line,
        cwd=folder,
        env={**os.environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        with passing_signals_on(process) as caught:
            for raw in process.stdout:
                try:
                    event = json.loads(raw)
                except ValueError:
                    rest += raw
                    continue
                kind, hook = event.get("type"), event.get("hook", {})
                if hook.get("action") == "read":
                    continue
                address = hook.get("resource", {}).get("addr", "")
                if kind == "planned_change" and event["change"]["action"] not in ("read", "no-op"):
                    planned[event["change"]["resource"]["addr"]] = event["change"]["action"]
                elif kind == "change_summary" and event["changes"]["operation"] == "plan":
                    total = sum(event["changes"][name] for name in ("add", "change", "remove"))
                    show(f"Plan: {summarise(planned)}.")
                elif kind == "apply_complete":
                    done += 1
                    seconds = hook.get("elapsed_seconds", 0)
                    show(f"[{done}/{total}] {address}: {hook['action']}d, {seconds} s")
                elif kind in ("apply_start", "apply_progress"):
                    seconds = hook.get("elapsed_seconds", 0)
                    show(f"[{done}/{total}] {address} ... {seconds} s", lasting=False)
                elif kind == "refresh_start":
                    show(f"Looking at {address} ...", lasting=False)
                elif kind == "diagnostic" and event["diagnostic"]["severity"] == "error":
                    errors.append(explain_diagnostic(event["diagnostic"]))
    terraform.temp_var_files.clean_up()
    if caught:
        raise CannotDeploy(
            "Stopped; what was done is in the state, so run the same command again to go on, or "
            "destroy to go back."
        )
    if process.returncode:
        reasons = list(dict.fromkeys(errors)) or [explain(rest)]
        raise CannotDeploy("\n".join(reasons[:3]))
    return planned


def explain_diagnostic(diagnostic: Mapping[str, Any]) -> str:
    """Its sentence; what is said of no resource is said of the block it points at."""
    snippet = diagnostic.get("snippet") or {}
    place = diagnostic.get("address") or snippet.get("context") or ""
    return explain(f"{diagnostic['summary']}: {diagnostic.get('detail', '')}", f"({place})")


def summarise(planned: Mapping[str, str]) -> str:
    """How many of each action; what is taken away or replaced is named."""
    counts = Counter(planned.values())
    text = ", ".join(f"{count} to {action}" for action, count in counts.items()) or "no changes"
    gone = [address for address, action in planned.items() if action in ("delete", "replace")]
    return f"{text} ({', '.join(gone)})" if 0 < len(gone) <= 12 else text


def build_release(repository: Path, out: Path) -> Path:
    """The archive of HEAD, the same bytes each time. Raises CannotDeploy."""
    git = ["git", "-C", str(repository)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, check=True).stdout
        changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotDeploy(
            f"The release is made of a commit, and git finds none in {repository}; install git and "
            "work in a clone of the project."
        ) from error
    if count := len(changed.stdout.splitlines()):
        show(f"Warning: uncommitted changes ({count} files) are not in the release.")
    archive = out / f"release-{head[:12].decode()}.tar.gz"
    if not archive.is_file():
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("release-*"):
            old.unlink()
        scratch = out / "release-.part"
        command = [*git, "archive", "--format=tar", "HEAD"]
        tar = subprocess.run(command, capture_output=True, check=True)
        scratch.write_bytes(gzip.compress(tar.stdout, 6, mtime=0))
        scratch.rename(archive)
    return archive


def upload_release(archive: Path, bucket: str) -> None:
    """Unless it is there already: the name is the commit's."""
    s3 = boto3.client("s3")
    try:
        s3.head_object(Bucket=bucket, Key=archive.name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
            raise
        show(f"Uploading {archive.name} ({archive.stat().st_size >> 20} MB) ...")
        s3.upload_file(str(archive), bucket, archive.name)


def publish_first_model(store: ArtifactStore) -> None:
    """Publish and promote model/artifact, when the store serves none yet.

    Raises CannotDeploy, also when a model is in service that no worker would open.
    """
    served = store.read_current()
    artifact, serving = ROOT / "model" / "artifact", ROOT / "var" / "serving"
    shipped = read_artifact(artifact)
    if served in store.list_models():
        return
    if served not in (None, shipped.version):
        raise CannotDeploy(
            f"Model {served}, which is in service, was published by an earlier release without a "
            "manifest, and workers would not open it; publish and promote it again, or promote "
            "another model, as terraform/README.md says."
        )
    if not is_whole(shipped, artifact, serving):
        show("Preparing the model for serving, about half a minute ...")
        command = [sys.executable, "-m", "model.network", "--artifact", str(artifact)]
        done = subprocess.run(
            [*command, "--out", str(serving)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CannotDeploy(
                f"The model could not be exported: {explain(done.stderr[-LONGEST:])}"
            )
    show("Publishing the first model ...")
    version = store.publish(artifact, serving)
    if faults := store.promote(version):
        raise CannotDeploy(f"Model {version} is refused: {' '.join(faults)}")
    show(f"Model {version} is the one that is served.")
