"""What the GPU box does at each start: fetch the data, train, publish, score the test images.

    TRAINING_DATA=s3://... ARTIFACT_STORE=s3://... python -m model.training.job --work FOLDER

runs `model.cnn` on TRAINING_DATA (train/ and test/, each with NORMAL/ and PNEUMONIA/), publishes
the artifact with its serving export as a candidate, which is served to nobody until a person
promotes it (`model.serving.artifact_store`), and runs `model.inference` on the test images, so that
their results are in the worklist. Both tell in VAR_DIR/metrics how far they are. What all of it
printed is kept at ARTIFACT_STORE/logs/TIME.log, also when it failed; a run that was killed goes on
when its data and settings are the same. Options, settings and stores are tried before anything is
fetched. Ends with 0; with 2 and one sentence when nothing was begun; with 1 and one sentence when
it failed.
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
from model.training.fetching import AWAY, FetchError, fetch_data
from model.training.job_config import ConfigError, JobConfig, read_job_config
from model.training.settings import parse_arguments

SERVICE_SECRETS = ("REDIS_URL", "REDIS_PASSWORD", "API_KEY", "SECRET_KEY", "WEB_KEY")
"""Settings of the services that training has no use for: they hold passwords and keys."""


class JobError(RuntimeError):
    """The run cannot go on; one sentence."""


class InputError(ValueError):
    """What the run was given cannot end well, so it does not begin; one sentence."""


def check_options(folder: Path, options: Sequence[str]) -> None:
    """End as `model.cnn` would where it would refuse `options`. Raises InputError."""
    given = parse_arguments(["--data", str(folder), "--out", str(folder), *options])
    for name, value in (("--data", given.data), ("--out", given.out)):
        if value != folder:
            raise InputError(f"{name} is chosen by this job; leave it out.")


def check_stores() -> None:
    """Raise InputError unless what the run ends with can be stored: records and previews."""
    checked = subprocess.run(
        [sys.executable, "-m", "model.inference", "--check"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if checked.returncode:
        raise InputError(checked.stderr.strip())


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of what trains and exports."""
    return {name: value for name, value in environment.items() if name not in SERVICE_SECRETS}


def run(*arguments: str, environment: Mapping[str, str], log: Path) -> None:
    """One of the project's commands, its output here and in the log. Raises JobError."""
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
        raise JobError(f"{arguments[0]} failed with {process.returncode}; the log says why.")


def work(folder: Path, log: Path, config: JobConfig, more: Sequence[str]) -> None:
    """The whole run; `more` goes to `model.cnn`.

    Raises JobError, FetchError, ArtifactError and ArtifactStoreError.
    """
    data, out, serving = folder / "data", folder / "out", folder / "serving"
    fetch_data(config.training_data, data)
    alone = without_secrets(os.environ)
    told = ("--metrics", str(config.metrics_dir / "training.prom"))
    words = ("--data", str(data), "--out", str(out), *told, *more)
    run("model.cnn", *words, environment=alone, log=log)
    words = ("--artifact", str(out), "--out", str(serving))
    run("model.network", *words, environment=alone, log=log)
    version = ArtifactStore(config.artifact_store).publish(out, serving)
    print(f"Published {version} as a candidate; it is served once it is promoted.", flush=True)
    # Its other settings are those of this process, as everywhere: REDIS_URL and IMAGE_STORE.
    scoring = {**os.environ, "MODEL_DIR": str(out), "SERVING_DIR": str(serving)}
    told = ("--metrics", str(config.metrics_dir / "batch.prom"))
    words = ("--data", str(data / "test"), "--labels", *told)
    run("model.inference", *words, environment=scoring, log=log)


def keep_log(log: Path, url: str) -> None:
    """Upload what the log has so far. Raises JobError."""
    try:
        with fsspec.open(url, "wb") as to:
            to.write(log.read_bytes())
    except (*AWAY, ValueError, ImportError) as error:
        place = url.partition("/logs/")[0]
        raise JobError(f"{place} cannot be written to ({type(error).__name__}).") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run; faults are reported in one line. 2 when nothing was begun, 1 when it failed."""
    parser = argparse.ArgumentParser(
        description="Fetch data, train, publish, score.",
        epilog="What is not named here goes to model.cnn.",
    )
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    arguments, more = parser.parse_known_args(argv)
    log = arguments.work / "job.log"
    try:
        check_options(arguments.work, more)
        config = read_job_config()
        check_stores()
        arguments.work.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        kept = f"{config.artifact_store}/logs/{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.log"
        keep_log(log, kept)  # where the artifact goes, too: better refused now than after hours
    except (InputError, ConfigError, JobError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{arguments.work} cannot be used: {error.strerror}.", file=sys.stderr)
        return 2
    code = 0
    try:
        work(arguments.work, log, config, more)
    except (JobError, FetchError, ArtifactError, ArtifactStoreError) as error:
        print(error, file=sys.stderr)
        with log.open("a") as file:
            file.write(f"{error}\n")
        code = 1
    finally:
        try:
            keep_log(log, kept)
        except JobError as error:  # a store that is away by now costs the log alone
            print(f"The log was not uploaded: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
