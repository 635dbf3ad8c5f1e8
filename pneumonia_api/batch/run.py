#!/usr/bin/env python
"""Score a folder of X-rays: each image or DICOM file below it becomes a record in the worklist.

    python -m model.inference --data FOLDER [--redis-url redis://...] [--labels] [--celery]

The records are those of an upload, with the source `batch`; previews go to the image store. A GPU
is used where Keras sees one, else the serving export on the CPU. Started again after a kill, or
with more files in the folder, it does what is left; nothing is done or stored twice. While Redis
is away it waits. A password in an option can be read by everybody on the machine: leave --redis-url
out where REDIS_URL is set or `var/env` is there.
"""

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from tqdm import tqdm

from model.serving.artifact import ArtifactError
from pneumonia_api.batch.intake import File, Intake, patiently
from pneumonia_api.batch.listing import list_files
from pneumonia_api.batch.metrics import report_scoring
from pneumonia_api.batch.tally import Tally, read_label
from pneumonia_api.config import BatchConfig, ConfigError, read_batch_config
from pneumonia_api.records.images import ImageStore, ImageStoreUnavailable
from pneumonia_api.records.xrays import XrayStore


class CannotScore(RuntimeError):
    """One sentence that says why not, and what to do."""


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; all other settings are those of the service."""
    parser = argparse.ArgumentParser(
        prog="model/inference.py",
        usage="%(prog)s --data FOLDER [--redis-url redis://...] [options, see --help]",
        description="Score a folder of X-rays into the worklist.",
    )
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--data", type=Path, help="folder of JPEG, PNG, TIFF and DICOM")
    task.add_argument(
        "--check", action="store_true", help="only try Redis and the image store, and end"
    )
    parser.add_argument("--redis-url", help="default: REDIS_URL, which hides its password better")
    parser.add_argument("--image-store", help="fsspec URL for previews; default: IMAGE_STORE")
    parser.add_argument(
        "--labels", action="store_true", help="folders named NORMAL and PNEUMONIA tell the class"
    )
    parser.add_argument(
        "--celery", action="store_true", help="send the files to the workers, on any machines"
    )
    parser.add_argument(
        "--metrics", type=Path, metavar="FILE", help="a .prom file for node_exporter: progress"
    )
    return parser.parse_args(argv)


def _read_config(arguments: argparse.Namespace) -> BatchConfig:
    given = {"REDIS_URL": arguments.redis_url, "IMAGE_STORE": arguments.image_store}
    return read_batch_config({name: value for name, value in given.items() if value})


def connect(config: BatchConfig) -> tuple[redis.Redis, ImageStore]:
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


def check_stores(arguments: argparse.Namespace) -> int:
    """Whether records and previews can be stored; raises what `main` reports."""
    client, images = connect(_read_config(arguments))
    client.close()
    name = f"check-{uuid4().hex}"
    try:
        images.write_preview(name, b"")
        images.delete_preview(name)
    except ImageStoreUnavailable as error:
        raise CannotScore(f"The image store cannot be written to: {error}.") from error
    return 0


def count_threads() -> int:
    """Twice the cores: half of the threads may wait for disk or network."""
    return 2 * len(os.sched_getaffinity(0))


def score_folder(arguments: argparse.Namespace) -> int:
    """The whole run; raises what `main` tells."""
    folder = arguments.data
    config = _read_config(arguments)
    if not folder.is_dir():
        raise CannotScore(f"{folder} is not a folder.")
    listing = list_files(folder)
    paths = listing.files
    if not paths and not listing.closed:
        raise CannotScore(f"No JPEG, PNG, TIFF or DICOM file was found in {folder}.")
    if arguments.labels and not any(read_label(path.relative_to(folder)) for path in paths):
        raise CannotScore(f"{folder} has no folders NORMAL and PNEUMONIA; leave out --labels.")
    client, images = connect(config)
    pool = ThreadPoolExecutor(count_threads())
    try:
        prepare = prepare_workers if arguments.celery else prepare_machine
        run, model, threshold, where = prepare(config, XrayStore(client), images, pool)
        intake = Intake(XrayStore(client), pool, model, config.max_body_bytes)
        tally = Tally(folder, arguments.labels)
        tally.add_unseen(listing)
        total = len(paths) + len(listing.closed)
        started = time.monotonic()
        with (
            tqdm(total=len(paths), unit="file", smoothing=0.1) as bar,
            report_scoring(arguments.metrics, total, tally.skipped, tally.counts) as report,
        ):
            for files in run(intake, paths):
                tally.add(files)
                bar.update(len(files))
                report()
    finally:
        pool.shutdown(cancel_futures=True)
    seconds = time.monotonic() - started
    print(tally.summarize(listing.others, seconds), f"model {model} on {where}", sep="\n")
    if arguments.labels:
        print(*tally.score(threshold), sep="\n")
    return 1 if tally.counts["unread"] or tally.counts["failed"] else 0


Run = Callable[[Intake, Sequence[Path]], Iterator[list[File]]]


def prepare_machine(
    config: BatchConfig, xrays: XrayStore, images: ImageStore, pool: ThreadPoolExecutor
) -> tuple[Run, str, float, str]:
    """Score here: what to run, the model's version and threshold, and where it runs."""
    from model.cage.pool import CageLost  # noqa: PLC0415 - no runtime and no readers with --celery
    from pneumonia_api.batch.runtimes import choose_runtime  # noqa: PLC0415
    from pneumonia_api.batch.scoring import Scorer  # noqa: PLC0415

    runtime = choose_runtime(config.model_dir, config.serving_dir, pool)
    scorer = Scorer(xrays, images, runtime, pool, config.max_pixels)
    try:
        scorer.check()
    except CageLost as error:
        raise CannotScore(
            "The processes that read X-rays cannot be started; the lines above say why."
        ) from error
    return scorer.run, runtime.artifact.version, runtime.artifact.threshold, runtime.name


def prepare_workers(
    config: BatchConfig, xrays: XrayStore, images: ImageStore, pool: ThreadPoolExecutor
) -> tuple[Run, str, float, str]:
    """Let the workers score, with the model that they announced."""
    from pneumonia_api.batch.dispatch import Dispatcher  # noqa: PLC0415 - no queue without --celery

    model = patiently(xrays.get_model)
    if model is None:
        raise CannotScore("No worker has announced its model; start one first.")
    dispatcher = Dispatcher(xrays, images, pool, config.redis_url)
    where = f"the workers; in their log this run is {dispatcher.request_id}"
    return dispatcher.run, model["version"], model["threshold"], where


def main(argv: Sequence[str] | None = None) -> int:
    """Run; what a person can mend is told in one line."""
    arguments = parse_arguments(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files are any bytes
    try:
        return check_stores(arguments) if arguments.check else score_folder(arguments)
    except (CannotScore, ConfigError, ArtifactError) as error:
        print(error, file=sys.stderr)
    except redis.RedisError as error:
        print(f"Redis: {error}. Run the same command again to go on.", file=sys.stderr)
    except (OSError, ImageStoreUnavailable) as error:
        print(f"Files: {error}. Run the same command again to go on.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 1
