"""Write the audit into its files, or check them.

    python -m pneumonia_api.audit write
    python -m pneumonia_api.audit verify [--folder FOLDER] [--without-redis]

`verify` ends with 0 if the chain is whole, with 1 if it is not, and with 2 if it cannot be checked.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from monitoring.logs.lines import write_lines
from pneumonia_api.audit.chain import NotALine
from pneumonia_api.audit.folder import FolderInUse, lock_folder
from pneumonia_api.audit.head import read_head
from pneumonia_api.audit.keeping import Keeper
from pneumonia_api.audit.verify import verify
from pneumonia_api.audit.writer import Writer
from pneumonia_api.config import AuditConfig, ConfigError, read_audit_config

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""After an error of Redis or of the disk."""


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pneumonia_api.audit", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write", help="write until this is stopped")
    checking = commands.add_parser("verify", help="find lines that were cut, changed or moved")
    checking.add_argument("--folder", type=Path, help="other files than those of AUDIT_DIR")
    checking.add_argument(
        "--without-redis", action="store_true", help="do not compare the ends with Redis"
    )
    return parser.parse_args(argv)


def open_redis(config: AuditConfig) -> redis.Redis:
    """The Redis of the settings."""
    return redis.Redis.from_url(
        config.redis_url,
        decode_responses=True,
        socket_connect_timeout=5,
        socket_timeout=10,
        retry=Retry(ConstantBackoff(0.05), 1),
    )


def write(config: AuditConfig) -> int:
    """Write until SIGTERM or SIGINT; go on after every error of Redis or of the disk."""
    write_lines("audit", lambda: None)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        lock_folder(config.audit_dir)
    except (FolderInUse, OSError) as error:
        print(f"The audit cannot be written: {error}", file=sys.stderr)
        return 1
    with open_redis(config) as client:
        while not ended.is_set():
            try:
                _write_on(client, config, ended)
            except (redis.RedisError, OSError, NotALine) as error:
                log.error("the audit is not written at the moment: %s", type(error).__name__)
                ended.wait(PAUSE_SECONDS)
    return 0


def _write_on(client: redis.Redis, config: AuditConfig, ended: threading.Event) -> None:
    writer = Writer(client, config.audit_dir)
    keeper = Keeper(client, config.audit_dir, config.audit_days)
    writer.recover()
    while not ended.is_set():
        writer.write_some()
        keeper.keep()


def check(config: AuditConfig, folder: Path, *, with_redis: bool) -> int:
    """Check the files and print what was found."""
    try:
        head = None
        if with_redis:
            with open_redis(config) as client:
                head = read_head(client)
        verdict = verify(folder, head)
    except (OSError, redis.RedisError) as error:
        print(f"The audit cannot be checked ({type(error).__name__}).", file=sys.stderr)
        return 2
    for fault in verdict.faults:
        print(fault)
    if with_redis and head is None:
        print("Redis has no head of the chain, so a cut at its end would not be found.")
    if verdict.unfinished:
        print("The last line is not finished; the writer removes it when it starts.")
    found = f"{len(verdict.faults)} faults" if verdict.faults else "whole"
    print(f"{verdict.lines} lines, the last is line {verdict.last.seq}: {found}.")
    return int(bool(verdict.faults) or (with_redis and head is None and verdict.lines > 0))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; prints one line for a fault that a person can fix."""
    options = parse(argv)
    try:
        config = read_audit_config()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    if options.command == "write":
        return write(config)
    folder = options.folder or config.audit_dir
    return check(config, folder, with_redis=not options.without_redis)


if __name__ == "__main__":
    sys.exit(main())
