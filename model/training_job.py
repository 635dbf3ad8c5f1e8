"""What the GPU box does at each start: fetch the data, train, publish, score the test images.

    TRAINING_DATA=s3://... ARTIFACT_STORE=s3://... python -m model.training_job --work FOLDER

runs `model.cnn` on TRAINING_DATA (train/ and test/, each with NORMAL/ and PNEUMONIA/), publishes
the artifact with its serving export, which all workers then go over to, and runs `model.inference`
on the test images, so that their results are in the worklist. Both tell in VAR_DIR/metrics how far
they are. What all of it printed is kept at ARTIFACT_STORE/logs/TIME.log, also when it failed; a run
that was killed goes on when its data and settings are the same. Ends with 0, or with 1 and one
sentence.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import fsspec

from model.artifact import ArtifactError
from model.artifact_store import ArtifactStore, ArtifactStoreError
from model.fetching import AWAY, FetchError, fetch_data

ROOT = Path(__file__).resolve().parents[1]


class JobError(RuntimeError):
    """The run cannot go on; one sentence."""


def run(*arguments: str, log: Path) -> None:
    """One of the project's commands, its output here and in the log. Raises JobError."""
    print("python -m", *arguments, flush=True)
    command = [sys.executable, "-m", *arguments]
    with (
        log.open("ab") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - asked for above
        for line in process.stdout:
            file.write(line)
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
    if process.returncode:
        raise JobError(f"{arguments[0]} failed with {process.returncode}; the log says why.")


def work(folder: Path, log: Path, settings: Mapping[str, str], more: Sequence[str]) -> None:
    """The whole run; `more` goes to `model.cnn`. Raises JobError, FetchError and ArtifactError."""
    data, out, serving = folder / "data", folder / "out", folder / "serving"
    metrics = Path(settings.get("VAR_DIR") or ROOT / "var") / "metrics"
    fetch_data(settings["TRAINING_DATA"], data)
    told = ("--metrics", str(metrics / "training.prom"))
    run("model.cnn", "--data", str(data), "--out", str(out), *told, *more, log=log)
    run("model.network", "--artifact", str(out), "--out", str(serving), log=log)
    version = ArtifactStore(settings["ARTIFACT_STORE"]).publish(out, serving)
    print(f"Published {version}.", flush=True)
    # By the settings of this process, as everywhere: REDIS_URL, IMAGE_STORE and these two.
    os.environ.update({"MODEL_DIR": str(out), "SERVING_DIR": str(serving)})
    told = ("--metrics", str(metrics / "batch.prom"))
    run("model.inference", "--data", str(data / "test"), "--labels", *told, log=log)


def keep_log(log: Path, url: str) -> None:
    """Upload it; a store that is away costs the log alone."""
    try:
        with fsspec.open(
            f"{url}/logs/{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.log", "wb"
        ) as to:
            to.write(log.read_bytes() if log.is_file() else b"")
    except AWAY as error:
        print(f"The log was not uploaded ({type(error).__name__}).", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; faults are told in one line."""
    parser = argparse.ArgumentParser(
        description="Fetch data, train, publish, score.",
        epilog="What is not named here goes to model.cnn.",
    )
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    arguments, more = parser.parse_known_args(argv)
    missing = [name for name in ("TRAINING_DATA", "ARTIFACT_STORE") if not os.environ.get(name)]
    if missing:
        print(f"{missing[0]} is not set.", file=sys.stderr)
        return 1
    arguments.work.mkdir(parents=True, exist_ok=True)
    log = arguments.work / "job.log"
    log.unlink(missing_ok=True)
    try:
        work(arguments.work, log, os.environ, more)
    except (JobError, FetchError, ArtifactError, ArtifactStoreError) as error:
        print(error, file=sys.stderr)
        with log.open("a") as file:
            file.write(f"{error}\n")
        return 1
    finally:
        keep_log(log, os.environ["ARTIFACT_STORE"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
