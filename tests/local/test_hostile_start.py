"""`make run` and the commands of a server, started in an environment meant for other programs."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from tests.local.hostile import PROXIES, write_hostile
from tests.stack import ROOT, Stack, free_ports, running_stack


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A client that reads nothing from the environment, either."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_upload_is_judged_whatever_the_caller_exported(
    tmp_path: Path, samples: list[Path], session: requests.Session
) -> None:
    """Proxies, options of Celery, gunicorn, Flask and Python, another Redis: none gets through."""
    settings = write_hostile(tmp_path)
    # S3 and webhooks of a hospital may need the proxy; programs are found on PATH.
    hostile = settings.items() - PROXIES.items() - {("PATH", settings["PATH"])}
    var = tmp_path / "var"
    with running_stack(var, **settings) as stack:
        record = session.post(
            f"{stack.api_url}/v1/xrays?wait=30",
            files={"xray": samples[0].read_bytes()},
            headers=stack.headers,
            timeout=40,
        ).json()
        assert record["status"] == "done"
        check_log_in(session, stack)
        children = psutil.Process(stack.process.pid).children(recursive=True)
        gunicorns = [child for child in children if "gunicorn" in child.cmdline()]
        assert len(gunicorns) == 4  # one process and its worker, for API and web
        for child in children:
            if not any("nginx" in word for word in child.cmdline()):  # its title is where it was
                assert not child.environ().items() & hostile, child.cmdline()
    assert stack.process.returncode == 0
    assert not (tmp_path / "counted").exists()


def check_log_in(session: requests.Session, stack: Stack) -> None:
    """The first user logs in through nginx and the page."""
    page = session.get(f"{stack.url}/login", timeout=60)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    answer = session.post(
        f"{stack.url}/login",
        data={"user": stack.user, "password": stack.password, "csrf_token": token[1]},
        timeout=60,
    )
    assert answer.status_code == 200
    assert not answer.url.endswith("/login")


@contextmanager
def running_command(folder: str, *command: str, **settings: str) -> Iterator[str]:
    """Start a service as the README says, inside `folder`; its address."""
    port = free_ports(["PORT"])["PORT"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *command, "--bind", f"127.0.0.1:{port}", "app:app"],
        cwd=ROOT / folder,
        env={**os.environ, **settings},
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def test_commands_of_a_server_heed_only_the_settings(
    tmp_path: Path, samples: list[Path], session: requests.Session
) -> None:
    """API and web, each started by its own command, work as under `make run`."""
    hostile = write_hostile(tmp_path)
    # What the interpreter and gunicorn themselves end by, and the settings of the README.
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONOPTIMIZE", "LD_PRELOAD", "SENDFILE"):
        del hostile[name]
    for name in ("API_URL", "API_KEY", "SECRET_KEY", "PROMETHEUS_MULTIPROC_DIR"):
        del hostile[name]
    with running_stack(tmp_path / "var") as stack:
        hostile["VAR_DIR"] = str(stack.var)
        config = ("--config", "gunicorn_config.py")
        with running_command("pneumonia_api", **hostile) as api:
            wait_for(session, f"{api}/readyz")
            answer = session.post(
                f"{api}/v1/xrays?wait=20",
                files={"xray": samples[0].read_bytes()},
                headers=stack.headers,
                timeout=40,
            )
            assert answer.json()["status"] == "done"
        # Not the folder of the other web, which it would empty.
        hostile["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path / "counted-by-web")
        with running_command("pneumonia_web", *config, **hostile) as web:
            wait_for(session, f"{web}/login")
            assert "csrf_token" in session.get(f"{web}/login", timeout=60).text


def wait_for(session: requests.Session, url: str) -> None:
    """Until it answers 200."""
    end = time.monotonic() + 60
    while True:
        try:
            if session.get(url, timeout=60).status_code == 200:
                return
        except (requests.ConnectionError, requests.Timeout):
            pass
        assert time.monotonic() < end, url
        time.sleep(0.2)
