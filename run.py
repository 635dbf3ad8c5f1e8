"""`make run`: the whole system on one machine, from parts that pip installs.

Prepares `var/` (secrets, settings, the serving export of the model), starts Redis, API, worker, web
and nginx under supervisord, with MONITORING=1 their monitoring as well, waits until the system is
ready, prints the address, and stops everything on Ctrl-C. The README lists the settings, which are
environment variables.
"""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback during the imports

import os
import secrets
import shutil
import socket
import sys
import time
import urllib.request
from pathlib import Path
from typing import NoReturn

import redis

from local import watchers as monitoring
from local.environment import clean_environment, read_kept_settings
from local.lock import lock_var
from local.parts import CannotStart, fill, list_programs, write_secret
from local.redis_data import Reserve, choose_server, explain_damage, ping_redis
from local.supervision import PartFailed, Supervision, handle_signals, report, stop
from model.serving.artifact import ArtifactError, read_artifact
from model.serving.export import ExportFailed, derive_export, is_whole
from pneumonia_api.accounts import Accounts
from pneumonia_api.config import (
    ConfigError,
    read_config,
    read_node_config,
    read_results_config,
    read_worker_config,
)
from pneumonia_api.roles import Role

ROOT = Path(__file__).resolve().parent
VAR = Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()
FIRST_USER = "doctor"
MIN_FREE_BYTES = 300 * 1024 * 1024
READY_SECONDS = 90
PORTS = {
    "PORT": 8080,
    "WEB_PORT": 8000,
    "API_PORT": 5000,
    "WORKER_METRICS_PORT": 9200,
    "REDIS_PORT": 6380,
}


DICOM_PORTS = {"DICOM_PORT": 11112, "DICOM_METRICS_PORT": 9201, "DICOM_RESULTS_METRICS_PORT": 9202}


def main() -> int:
    """Start everything, and run until Ctrl-C."""
    handle_signals()
    os.umask(0o077)  # X-rays, records and logs are readable by this account alone
    caller = dict(os.environ)
    os.environ.clear()
    os.environ.update({**clean_environment(caller), "VAR_DIR": str(VAR)})
    redis_server = ""
    try:
        lock = lock_var(VAR, ROOT)
        with_redis = "REDIS_URL" not in os.environ
        watched = os.environ.get("MONITORING", "0") not in ("", "0")
        with_dicom = os.environ.get("DICOM", "0") not in ("", "0")
        if watched:
            monitoring.check_programs()
        ports = read_ports(with_redis, watched, with_dicom)
        if with_redis:
            redis_server = choose_server(VAR / "redis")
        else:
            ping_redis(os.environ["REDIS_URL"])
        prepare_var(ports, with_redis)
        if with_dicom:
            check_node()
        watchers = monitoring.prepare(ROOT, VAR, ports, read_config().redis_url) if watched else {}
        export_model()
        programs = list_programs(ROOT, VAR, redis_server, watched, with_dicom)
        parts = Supervision(programs, watchers, ROOT, VAR, lock)
        wait_ready(parts, ports)
        greet(ports)
        stay(parts, with_redis)
    except KeyboardInterrupt:
        report("\nStopping ...")
        return 0
    except (CannotStart, ConfigError, ArtifactError) as error:
        print(f"Cannot start: {error}", file=sys.stderr)
    except PartFailed as error:
        damage = None
        if redis_server and error.part == "redis":
            damage = explain_damage(VAR / "redis", redis_server, VAR / "redis-check-aof")
        print(f"Stopped: {damage or error}", file=sys.stderr)
    except redis.RedisError as error:  # its text may contain parts of the URL
        reason = f"Redis fails ({type(error).__name__}); check it and REDIS_URL"
        print(f"Cannot start: {reason}.", file=sys.stderr)
    except OSError as error:
        print(f"Cannot start: {error.strerror} ({error.filename}).", file=sys.stderr)
    finally:
        stop()
    return 1


def read_ports(with_redis: bool, watched: bool, with_dicom: bool) -> dict[str, int]:
    """The ports to use. Raises CannotStart unless all are valid, different and free."""
    ports = {}
    wanted = {
        **PORTS,
        **(monitoring.PORTS if watched else {}),
        **(DICOM_PORTS if with_dicom else {}),
    }
    for name, default in wanted.items():
        value = os.environ.get(name) or str(default)
        if not value.isdecimal() or not 0 < int(value) < 65536:
            raise CannotStart(f"{name} must be a port number, not {value!r}.")
        ports[name] = int(value)
        if name == "REDIS_PORT" and not with_redis:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", ports[name]))
            except OSError as error:
                raise CannotStart(
                    f"port {value} is in use; stop what uses it, or choose another with {name}=."
                ) from error
    if len(set(ports.values())) < len(ports):
        raise CannotStart(f"{', '.join(ports)} must be different ports.")
    os.environ.update({name: str(port) for name, port in ports.items()})
    return ports


def prepare_var(ports: dict[str, int], with_redis: bool) -> None:
    """Prepare `var/`: secrets once, settings and configuration files at every start."""
    for name in ("log", "metrics", "redis", "images", "serving", "nginx"):
        (VAR / name).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(VAR).free
    if free < MIN_FREE_BYTES:
        raise CannotStart(f"only {free >> 20} MB are free on the disk of {VAR}; 300 MB are needed.")
    kept = keep_settings(VAR / "env")
    password = kept.get("REDIS_PASSWORD") or secrets.token_urlsafe(24)
    own_redis = f"redis://:{password}@127.0.0.1:{ports['REDIS_PORT']}/0"
    settings = {
        **kept,
        "REDIS_PASSWORD": password,
        "REDIS_URL": own_redis if with_redis else os.environ["REDIS_URL"],
        "API_KEY": kept.get("API_KEY") or secrets.token_urlsafe(32),
        "SECRET_KEY": kept.get("SECRET_KEY") or secrets.token_urlsafe(32),
        "WEB_KEY": kept.get("WEB_KEY") or secrets.token_urlsafe(32),
        "DICOM_KEY": kept.get("DICOM_KEY") or secrets.token_urlsafe(32),
        "API_URL": f"http://127.0.0.1:{ports['API_PORT']}",
        "COOKIE_SECURE": "0",  # plain HTTP, on this machine only
        **{name: str(port) for name, port in ports.items()},
    }
    write_secret(VAR / "env", "".join(f"{name}={value}\n" for name, value in settings.items()))
    write_secret(VAR / "api-key", settings["API_KEY"])
    fill(
        ROOT / "pneumonia_api" / "redis.conf.template",
        VAR / "redis.conf",
        bind="127.0.0.1",
        port=ports["REDIS_PORT"],
        password=password,
        data_dir=VAR / "redis",
    )
    fill(
        ROOT / "nginx" / "nginx.conf.template",
        VAR / "nginx" / "nginx.conf",
        run_dir=".",  # its prefix
        access_log="/dev/stdout",
        web_address=f"127.0.0.1:{ports['WEB_PORT']}",
        max_body_mb=(read_config().max_body_bytes >> 20) + 1,  # the file and the form around it
        errors_root=ROOT / "nginx",
    )
    fill(
        ROOT / "nginx" / "listen.conf.template",
        VAR / "nginx" / "listen.conf",
        listen=f"127.0.0.1:{ports['PORT']}",
    )
    shutil.copy(ROOT / "nginx" / "proxy.conf", VAR / "nginx" / "proxy.conf")
    # It may be left from a start with monitoring.
    (VAR / "nginx" / "servers-status.conf").unlink(missing_ok=True)


def check_node() -> None:
    """Raise CannotStart unless the DICOM node is told who may send, and ConfigError otherwise."""
    if not os.environ.get("DICOM_PEERS"):
        raise CannotStart(
            "DICOM=1 needs the list of who may send: AE titles and their addresses, as in "
            "DICOM_PEERS=PACS@10.1.2.3,XRAY1@10.1.3.0/24."
        )
    read_node_config()
    if os.environ.get("DICOM_RESULTS_TO"):
        read_results_config()


def keep_settings(file: Path) -> dict[str, str]:
    """The settings of earlier starts; reports a file that a power cut has damaged."""
    kept = read_kept_settings(file)
    if kept.damaged_lines:
        damaged = file.with_name(f"{file.name}.damaged")
        shutil.copy(file, damaged)
        print(
            f"{file} was damaged: lost secrets are generated again, so people must log in again "
            f"and programs need the new key in {VAR}/api-key. Settings of your own may be missing; "
            f"see {damaged}.",
            flush=True,
        )
    return kept.values


def export_model() -> None:
    """Make the serving export of the model unless a complete one exists."""
    config = read_worker_config()
    artifact = read_artifact(config.model_dir)
    if is_whole(artifact, config.model_dir, config.serving_dir):
        return
    print(
        "Preparing the model for serving (once for each version; about half a minute) ...",
        flush=True,
    )
    log = VAR / "log" / "export.log"
    try:
        derive_export(config.model_dir, config.serving_dir)
    except ExportFailed as error:
        log.write_text(error.output)
        raise CannotStart(f"the model could not be exported; {log} says why.") from error


def wait_ready(parts: Supervision, ports: dict[str, int]) -> None:
    """Wait until the API is ready and the page is served. Raises CannotStart or PartFailed."""
    urls = [
        f"http://127.0.0.1:{ports['API_PORT']}/readyz",
        f"http://127.0.0.1:{ports['PORT']}/login",
        *(f"http://127.0.0.1:{ports[name]}/-/ready" for name in monitoring.PAGES if name in ports),
    ]
    end = time.monotonic() + READY_SECONDS
    # Never through a proxy, whatever the environment says.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while urls:
        parts.check()
        if time.monotonic() > end:
            raise CannotStart(f"a part did not come up; the files in {VAR / 'log'} say why.")
        try:
            with direct.open(urls[0], timeout=5):
                urls.pop(0)
        except OSError:
            time.sleep(0.1)
    parts.keep_going()


def stay(parts: Supervision, with_redis: bool) -> NoReturn:
    """Watch the parts and the free disk space, for ever."""
    reserve = Reserve(VAR / "redis") if with_redis else None
    while True:
        parts.check()
        if reserve and (sentence := reserve.check()):
            report(sentence)
        time.sleep(0.5)


def greet(ports: dict[str, int]) -> None:
    """Print the address, and create the first user if there is none."""
    config = read_config()
    accounts = Accounts(redis.Redis.from_url(config.redis_url, decode_responses=True), 1)
    print(f"\n  Pneumonia detection is ready at  http://127.0.0.1:{ports['PORT']}\n")
    if accounts.list_users():
        print(f"  Log in as before; the first user's password was written to {VAR}/first-user.")
    else:
        password = secrets.token_urlsafe(12)
        accounts.set_password(FIRST_USER, password)
        accounts.set_roles(FIRST_USER, Role)
        write_secret(VAR / "first-user", f"{FIRST_USER} {password}\n")
        print(f"  Log in as  {FIRST_USER}\n  Password   {password}\n")
        print(f"  (also in {VAR}/first-user)")
    print(f"  The API is at http://127.0.0.1:{ports['API_PORT']}, its key in {VAR}/api-key.")
    if "DICOM_PORT" in ports:
        node = read_node_config()
        print(f"  DICOM: {node.ae_title} listens on {node.host}:{node.port}.")
    for name, page in monitoring.PAGES.items():
        if name in ports:
            print(f"  {page} is at http://127.0.0.1:{ports[name]}.")
    print(f"  Logs are in {VAR}/log. Ctrl-C ends everything.\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
