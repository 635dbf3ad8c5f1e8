#!/usr/bin/env python
"""Score an archive: every image or DICOM file below a folder becomes a record in the worklist.

    python -m model.inference --data FOLDER [--redis-url redis://...] [--labels] [--celery]

Records are like those of an upload, with the source `batch`; previews go to the image store. Runs
on a GPU if Keras sees one, else the serving export on the CPU. After a kill, or with more files in
the folder, the same command does what is left; nothing is done or stored twice. Waits while Redis
is unreachable. Every user of the machine can read a password on the command line: leave
--redis-url out if REDIS_URL is set or `var/env` exists.
"""

import argparse
import io
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from tqdm import tqdm

from model.cage.pool import CageLost
from model.serving.artifact import ArtifactError
from pneumonia_api.batch.engine import CannotScore, Engine
from pneumonia_api.batch.intake import Intake
from pneumonia_api.batch.listing import list_files
from pneumonia_api.batch.metrics import report_scoring
from pneumonia_api.batch.outage import retry_through_outage
from pneumonia_api.batch.tally import Tally, read_label
from pneumonia_api.config import BatchConfig, ConfigError, read_batch_config
from pneumonia_api.records.image_files import ImageStoreUnavailable
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.profiles import Profiles, name_judge
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.xrays import XrayStore


@dataclass(frozen=True)
class Options:
    """The command line. Without `folder`, the run only checks Redis and the image store."""

    folder: Path | None
    redis_url: str | None
    image_store: str | None
    labels: bool
    celery: bool
    metrics: Path | None


def parse_options(argv: Sequence[str] | None) -> Options:
    """The command line; all other settings are those of the service."""
    parser = argparse.ArgumentParser(
        prog="model/inference.py",
        usage="%(prog)s --data FOLDER [--redis-url redis://...] [options, see --help]",
        description="Score a folder of X-rays into the worklist.",
    )
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--data", type=Path, help="folder of JPEG, PNG, TIFF and DICOM files")
    task.add_argument(
        "--check", action="store_true", help="only check Redis and the image store, and exit"
    )
    parser.add_argument("--redis-url", help="default: REDIS_URL, which hides its password better")
    parser.add_argument("--image-store", help="fsspec URL for previews; default: IMAGE_STORE")
    parser.add_argument(
        "--labels", action="store_true", help="folders named NORMAL and PNEUMONIA are labels"
    )
    parser.add_argument(
        "--celery", action="store_true", help="send the files to the workers, on any machines"
    )
    parser.add_argument(
        "--metrics", type=Path, metavar="FILE", help="write progress to a .prom file"
    )
    values = parser.parse_args(argv)
    return Options(
        folder=values.data,
        redis_url=values.redis_url,
        image_store=values.image_store,
        labels=values.labels,
        celery=values.celery,
        metrics=values.metrics,
    )


def connect(config: BatchConfig) -> tuple[redis.Redis, ImageStore]:
    """Redis, which must answer at the start, and the image store. Raises CannotScore."""
    try:
        client = redis.Redis.from_url(
            config.redis_url,
            decode_responses=True,
            socket_connect_timeout=5,
            socket_timeout=10,
            retry=Retry(NoBackoff(), 0),  # `retry_through_outage` retries, and reports it
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


def check_stores(config: BatchConfig) -> int:
    """Check that records and previews can be stored. Raises what `main` reports."""
    client, images = connect(config)
    client.close()
    name = f"check-{uuid4().hex}"
    try:
        images.write_preview(name, b"")
        images.delete_pictures(name)
    except ImageStoreUnavailable as error:
        raise CannotScore(f"The image store cannot be written to: {error}.") from error
    return 0


def count_threads() -> int:
    """Twice the cores, because half of the threads may wait for disk or network."""
    return 2 * len(os.sched_getaffinity(0))


def score_folder(folder: Path, options: Options, config: BatchConfig) -> int:
    """Score everything below `folder`; returns the exit status. Raises what `main` reports."""
    if not folder.is_dir():
        raise CannotScore(f"{folder} is not a folder.")
    listing = list_files(folder)
    paths = listing.files
    if not paths and not listing.closed:
        raise CannotScore(f"No JPEG, PNG, TIFF or DICOM file was found in {folder}.")
    if options.labels and not any(read_label(path.relative_to(folder)) for path in paths):
        raise CannotScore(f"{folder} has no folders NORMAL and PNEUMONIA; leave out --labels.")
    client, images = connect(config)
    pool = ThreadPoolExecutor(count_threads())
    try:
        prepare = prepare_workers if options.celery else prepare_machine
        engine = prepare(config, client, images, pool)
        profiles = Profiles(client)
        judge = name_judge(engine.model_version, engine.profile)
        intake = Intake(XrayStore(client), pool, judge, config.max_body_bytes)
        tally = Tally(folder, options.labels)
        tally.add_unseen(listing)
        total = len(paths) + len(listing.closed)
        started = time.monotonic()
        with (
            tqdm(total=len(paths), unit="file", smoothing=0.1) as bar,
            report_scoring(options.metrics, total, tally.skipped, tally.counts) as report,
        ):
            for files in engine.run(intake, paths):
                tally.add(files)
                bar.update(len(files))
                report()
                engine.check_profile(profiles)
    finally:
        pool.shutdown(cancel_futures=True)
    seconds = time.monotonic() - started
    print(tally.summarize(listing.others, seconds))
    print(engine.describe())
    if options.labels:
        print(*tally.score(engine.threshold), sep="\n")
    return 1 if tally.counts["unread"] or tally.counts["failed"] else 0


def prepare_machine(
    config: BatchConfig, client: redis.Redis, images: ImageStore, pool: ThreadPoolExecutor
) -> Engine:
    """Score on this machine. Raises CannotScore or ArtifactError."""
    # Takes seconds to import, and --celery does not need it.
    from pneumonia_api.batch.runtimes import choose_runtime  # noqa: PLC0415
    from pneumonia_api.batch.scoring import Scorer  # noqa: PLC0415
    from pneumonia_api.judging import make_rule  # noqa: PLC0415

    runtime = choose_runtime(config.model_dir, config.serving_dir, pool, config.precision)
    artifact, profiles = runtime.artifact, Profiles(client)
    active = retry_through_outage(lambda: profiles.read_active(artifact.version))
    rule = make_rule(active, artifact)
    scorer = Scorer(XrayStore(client), images, runtime, pool, config.max_pixels, rule)
    try:
        scorer.check()
    except CageLost as error:
        raise CannotScore(
            "The processes that read X-rays cannot be started; the lines above say why."
        ) from error
    place = f"{runtime.name}, {runtime.precision}"
    threshold = rule.threshold if rule else artifact.threshold
    return Engine(scorer.run, artifact.version, active, threshold, place)


def prepare_workers(
    config: BatchConfig, client: redis.Redis, images: ImageStore, pool: ThreadPoolExecutor
) -> Engine:
    """Let the workers score, with the model that they serve. Raises CannotScore."""
    from pneumonia_api.batch.dispatch import Dispatcher  # noqa: PLC0415 - only --celery needs it

    model = retry_through_outage(ServedModel(client).get)
    if model is None:
        raise CannotScore("No worker has announced its model; start one first.")
    dispatcher = Dispatcher(client, images, pool)
    place = f"the workers; in their log this run is {dispatcher.request_id}"
    profiles, version = Profiles(client), model["version"]
    active = retry_through_outage(lambda: profiles.read_active(version))
    threshold = active.profile.threshold if active.profile else model["threshold"]
    return Engine(dispatcher.run, version, active, threshold, place)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; prints one line for a fault that a person can fix."""
    options = parse_options(argv)
    given = {"REDIS_URL": options.redis_url, "IMAGE_STORE": options.image_store}
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names may be any bytes
    try:
        config = read_batch_config({name: value for name, value in given.items() if value})
        if options.folder is None:
            return check_stores(config)
        return score_folder(options.folder, options, config)
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
