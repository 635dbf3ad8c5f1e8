#!/usr/bin/env python
"""Score a folder of X-rays: each JPEG, PNG or DICOM file below it becomes a record in the worklist.

    python -m model.inference --data FOLDER [--redis-url redis://...] [--labels] [--celery]

The records are those of an upload, with the source `batch`; previews go to the image store. A GPU
is used where Keras sees one, else the serving export on the CPU. Started again after a kill, or
with more files in the folder, it does what is left; nothing is done or stored twice. While Redis
is away it waits. A password in an option can be read by everybody on the machine: leave --redis-url
out where REDIS_URL is set or `var/env` is there.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from tqdm import tqdm

from model.artifact import ArtifactError
from model.data import CLASSES, read_patient
from model.folder import File, Intake, list_files, patiently
from pneumonia_api.config import Config, ConfigError, read_config
from pneumonia_api.images import ImageStore
from pneumonia_api.store import XrayStore

SEED = 20
"""Of the bootstrap, so that the same folder gives the same intervals."""

METRICS = ("auc_roc", "auc_pr", "accuracy", "sensitivity", "specificity", "ece", "brier")


class CannotScore(RuntimeError):
    """One sentence that says why not, and what to do."""


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; all other settings are those of the service."""
    parser = argparse.ArgumentParser(
        prog="model/inference.py",
        usage="%(prog)s --data FOLDER [--redis-url redis://...] [options, see --help]",
        description="Score a folder of X-rays into the worklist.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of JPEG, PNG and DICOM")
    parser.add_argument("--redis-url", help="default: REDIS_URL, which hides its password better")
    parser.add_argument("--image-store", help="fsspec URL for previews; default: IMAGE_STORE")
    parser.add_argument(
        "--labels", action="store_true", help="folders named NORMAL and PNEUMONIA tell the class"
    )
    parser.add_argument(
        "--celery", action="store_true", help="send the files to the workers, on any machines"
    )
    return parser.parse_args(argv)


class Tally:
    """What came of the files, for the summary; with labels, what the metrics need."""

    def __init__(self, folder: Path, labels: bool) -> None:
        self._folder = folder
        self._labels = labels
        self._truths: list[tuple[str, int, str]] = []  # file, label, patient
        self._probabilities: dict[str, float] = {}
        self.counts: Counter[str] = Counter()

    def add(self, files: Sequence[File]) -> None:
        """Count, and tell of each file that has no prediction where it lies."""
        for file in files:
            record = file.record
            status = record.status if record else "unread"
            if file.repeated or file.known:
                self.counts["repeated" if file.repeated else "known"] += 1
            else:
                self.counts[status] += 1
                reason = file.error or (record.reason if record else "")
                if status != "done":
                    tqdm.write(f"{file.path.relative_to(self._folder)}: {status}. {reason}")
            if record and record.prediction and not file.repeated:
                self.counts[record.prediction["decision"]] += 1
            if self._labels and not file.error:
                self._remember(file)

    def _remember(self, file: File) -> None:
        if file.record and file.record.prediction:
            self._probabilities[file.name] = file.record.prediction["probability"]
        if (labelled := read_label(file.path.relative_to(self._folder))) is not None:
            self._truths.append((file.name, *labelled))

    def score(self, threshold: float) -> list[str]:
        """Lines with every metric and its 95 % interval, over the labelled files judged."""
        from model.evaluation import score_predictions  # noqa: PLC0415 - plots, a second to import

        judged = [truth for truth in self._truths if truth[0] in self._probabilities]
        labels = np.array([label for _, label, _ in judged])
        if len(set(labels.tolist())) < len(CLASSES):
            return ["No metrics: X-rays in folders named NORMAL and PNEUMONIA are both needed."]
        probabilities = np.array([self._probabilities[name] for name, _, _ in judged])
        patients = [patient for _, _, patient in judged]
        scores = score_predictions(labels, probabilities, threshold, patients, SEED)
        lines = [f"metrics of {len(judged)} labelled X-rays, {scores['patients']} patients, 95 %:"]
        for name in METRICS:
            value, low, high = scores[name]
            lines.append(f"  {name:12} {value:.3f} ({low:.3f} to {high:.3f})")
        confusion = ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in scores["confusion"].items())
        return [*lines, f"  {confusion}"]


def read_label(path: Path) -> tuple[int, str] | None:
    """Label and patient by the innermost folder named after a class; None where there is none."""
    for parent in path.parents:
        if (name := parent.name.lower()) in CLASSES:
            label = CLASSES.index(name)
            # Patients' numbers start anew in each folder.
            return label, f"{parent}/{read_patient(path.name, label)}"
    return None


def connect(config: Config) -> tuple[redis.Redis, ImageStore]:
    """Redis, which must answer at the start, and the image store. Raises CannotScore."""
    try:
        client = redis.Redis.from_url(
            config.redis_url,
            decode_responses=True,
            socket_connect_timeout=5,
            socket_timeout=10,
            retry=Retry(NoBackoff(), 0),  # `patiently` tries again, and says so
        )
        client.ping()
    except ValueError as error:
        raise CannotScore(f"The Redis URL cannot be used: {error}") from error
    except redis.RedisError as error:
        raise CannotScore(f"Redis refuses or does not answer: {error}") from error
    try:
        return client, ImageStore(config.image_store)
    except (ValueError, ImportError) as error:
        raise CannotScore(f"The image store's URL cannot be used: {error}") from error


def score_folder(arguments: argparse.Namespace) -> int:
    """The whole run. Raises CannotScore, ConfigError, ArtifactError, RedisError and OSError."""
    folder = arguments.data
    given = {"REDIS_URL": arguments.redis_url, "IMAGE_STORE": arguments.image_store}
    # Nobody calls this process, so it needs no key of the API.
    config = read_config({k: v for k, v in given.items() if v} | {"API_KEY": "none"})
    if not folder.is_dir():
        raise CannotScore(f"{folder} is not a folder.")
    paths, others = list_files(folder)
    if not paths:
        raise CannotScore(f"No JPEG, PNG or DICOM file was found in {folder}.")
    if arguments.labels and not any(read_label(path.relative_to(folder)) for path in paths):
        raise CannotScore(f"{folder} has no folders NORMAL and PNEUMONIA; leave out --labels.")
    client, images = connect(config)
    threads = 2 * len(os.sched_getaffinity(0))  # half of them may wait for disk or network
    pool = ThreadPoolExecutor(threads)
    try:
        prepare = prepare_workers if arguments.celery else prepare_machine
        run, model, threshold, where = prepare(config, XrayStore(client), images, pool)
        intake = Intake(XrayStore(client), pool, model, config.max_body_bytes)
        tally = Tally(folder, arguments.labels)
        started = time.monotonic()
        with tqdm(total=len(paths), unit="file", smoothing=0.1) as bar:
            for files in run(intake, paths):
                tally.add(files)
                bar.update(len(files))
    finally:
        pool.shutdown(cancel_futures=True)
    seconds = time.monotonic() - started
    print(summarize(tally.counts, others, seconds), f"model {model} on {where}", sep="\n")
    if arguments.labels:
        print(*tally.score(threshold), sep="\n")
    return 1 if tally.counts["unread"] or tally.counts["failed"] else 0


Run = Callable[[Intake, Sequence[Path]], Iterator[list[File]]]


def prepare_machine(
    config: Config, xrays: XrayStore, images: ImageStore, pool: ThreadPoolExecutor
) -> tuple[Run, str, float, str]:
    """Score here: what to run, the model's version and threshold, and where it runs."""
    from model.runtimes import choose_runtime  # noqa: PLC0415 - no runtime with --celery
    from model.scoring import Scorer  # noqa: PLC0415

    runtime = choose_runtime(config.model_dir, config.serving_dir, pool)
    scorer = Scorer(xrays, images, runtime, pool, config.max_pixels)
    return scorer.run, runtime.artifact.version, runtime.artifact.threshold, runtime.name


def prepare_workers(
    config: Config, xrays: XrayStore, images: ImageStore, pool: ThreadPoolExecutor
) -> tuple[Run, str, float, str]:
    """Let the workers score, with the model that they announced."""
    from model.dispatch import Dispatcher  # noqa: PLC0415 - no queue without --celery

    model = patiently(xrays.get_model)
    if model is None:
        raise CannotScore("No worker has announced its model; start one first.")
    dispatcher = Dispatcher(xrays, images, pool, config.redis_url)
    return dispatcher.run, model["version"], model["threshold"], "the workers"


def summarize(counts: Counter[str], others: int, seconds: float) -> str:
    """What came of all files, one line each; nothing is said of what did not happen."""
    scored = counts["done"] + counts["rejected"] + counts["failed"]
    lines = [
        ("done", "judged in this run"),
        ("rejected", "rejected: not a readable X-ray"),
        ("failed", "failed at a worker; delete their records to try them again"),
        ("known", "judged or rejected by an earlier run"),
        ("repeated", "the same bytes as another file"),
        ("unread", "could not be read from the disk and have no record"),
    ]
    told = [f"{counts[name]:7} {what}" for name, what in lines if counts[name]]
    if others:
        told.append(f"{others:7} are no images by suffix and content; left out")
    told.append(f"{counts['pneumonia']:7} pneumonia, {counts['normal']} normal")
    if scored:
        told.append(f"{seconds:.0f} s, {scored / seconds:.1f} X-rays a second")
    return "\n".join(told)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; what a person can mend is told in one line."""
    arguments = parse_arguments(argv)
    os.umask(0o077)  # previews are for this account alone, as those of the service
    try:
        return score_folder(arguments)
    except (CannotScore, ConfigError, ArtifactError) as error:
        print(error, file=sys.stderr)
    except redis.RedisError as error:
        print(f"Redis: {error}. Run the same command again to go on.", file=sys.stderr)
    except OSError as error:
        print(f"Files: {error}. Run the same command again to go on.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
