"""The job of the training host at each start: fetch the data, train, publish, score the test set.

    TRAINING_DATA=s3://... ARTIFACT_STORE=s3://... python -m model.training.job --work FOLDER

runs `model.cnn` on TRAINING_DATA (train/ and test/, each with NORMAL/ and PNEUMONIA/), publishes
the artifact and its serving export as a candidate, which is not served until a person promotes it
(`model.serving.artifact_store`), and runs `model.inference` on the test images, so that their
results appear in the worklist. Both report their progress in VAR_DIR/metrics. The output of all
commands is uploaded to ARTIFACT_STORE/logs/TIME.log, also when one fails. A killed run resumes when
its data and settings are the same. Options, settings and stores are checked before anything is
fetched. Exits with 0; with 2 and one sentence when nothing was started; with 1 and one sentence
when the job failed.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import fsspec

from model.serving.artifact import ArtifactError
from model.serving.artifact_store import ArtifactStore, ArtifactStoreError
from model.training.command_line import parse_settings
from model.training.fetching import STORE_ERRORS, FetchError, fetch_data
from model.training.job_config import ConfigError, JobConfig, read_job_config
from model.training.settings import InputError

SERVICE_SECRETS = ("REDIS_URL", "REDIS_PASSWORD", "API_KEY", "SECRET_KEY", "WEB_KEY")
"""Settings of the services that training does not need: they hold passwords and keys."""


class JobError(RuntimeError):
    """A step of the job failed; the message is one sentence."""


def check_options(folder: Path, options: Sequence[str]) -> None:
    """Exit as `model.cnn` would on invalid `options`. Raises InputError for --data and --out."""
    given = parse_settings(["--data", str(folder), "--out", str(folder), *options])
    for name, chosen in (("--data", given.data), ("--out", (given.out,))):
        if chosen != (folder,):
            raise InputError(f"{name} is chosen by this job; leave it out.")


def check_stores() -> None:
    """Raise InputError unless the records and previews of the results can be stored."""
    checked = subprocess.run(
        [sys.executable, "-m", "model.inference", "--check"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if checked.returncode:
        raise InputError(checked.stderr.strip())


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for training and export."""
    return {name: value for name, value in environment.items() if name not in SERVICE_SECRETS}


def run(*arguments: str, environment: Mapping[str, str], log: Path) -> None:
    """Run a module of the project, copying its output to stdout and the log. Raises JobError."""
    print("python -m", *arguments, flush=True)
    command = [sys.executable, "-m", *arguments]
    with (
        log.open("ab") as file,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - asked for above
        for line in process.stdout:
            file.write(line)
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
    if process.returncode:
        raise JobError(f"{arguments[0]} failed with {process.returncode}; see the log.")


def work(folder: Path, log: Path, config: JobConfig, options: Sequence[str]) -> None:
    """Fetch, train, export, publish and score; `options` are for `model.cnn`.

    Raises JobError, FetchError, ArtifactError and ArtifactStoreError.
    """
    data, out, serving = folder / "data", folder / "out", folder / "serving"
    fetch_data(config.training_data, data)
    environment = without_secrets(os.environ)
    metrics = ("--metrics", str(config.metrics_dir / "training.prom"))
    arguments = ("--data", str(data), "--out", str(out), *metrics, *options)
    run("model.cnn", *arguments, environment=environment, log=log)
    arguments = ("--artifact", str(out), "--out", str(serving))
    run("model.network", *arguments, environment=environment, log=log)
    version = ArtifactStore(config.artifact_store).publish(out, serving)
    print(f"Published {version} as a candidate; it is served once it is promoted.", flush=True)
    # Scoring needs REDIS_URL and IMAGE_STORE, which are in this process's environment.
    environment = {**os.environ, "MODEL_DIR": str(out), "SERVING_DIR": str(serving)}
    metrics = ("--metrics", str(config.metrics_dir / "batch.prom"))
    arguments = ("--data", str(data / "test"), "--labels", *metrics)
    run("model.inference", *arguments, environment=environment, log=log)


def upload_log(log: Path, url: str) -> None:
    """Upload the log as it is now. Raises JobError."""
    try:
        with fsspec.open(url, "wb") as to:
            to.write(log.read_bytes())
    except (*STORE_ERRORS, ValueError, ImportError) as error:
        place = url.partition("/logs/")[0]
        raise JobError(f"{place} cannot be written to ({type(error).__name__}).") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job. Errors are printed as one line; 2 when nothing was started, 1 when it failed."""
    parser = argparse.ArgumentParser(
        description="Fetch data, train, publish, score.",
        epilog="All other options are passed to model.cnn.",
    )
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    arguments, options = parser.parse_known_args(argv)
    log = arguments.work / "job.log"
    try:
        check_options(arguments.work, options)
        config = read_job_config()
        check_stores()
        arguments.work.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        log_url = f"{config.artifact_store}/logs/{started}.log"
        upload_log(log, log_url)  # to the store of the artifact: fail now, not after hours
    except (InputError, ConfigError, JobError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{arguments.work} cannot be used: {error.strerror}.", file=sys.stderr)
        return 2
    code = 0
    try:
        work(arguments.work, log, config, options)
    except (JobError, FetchError, ArtifactError, ArtifactStoreError) as error:
        print(error, file=sys.stderr)
        with log.open("a") as file:
            file.write(f"{error}\n")
        code = 1
    finally:
        try:
            upload_log(log, log_url)
        except JobError as error:  # the job itself may have succeeded
            print(f"The log was not uploaded: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
