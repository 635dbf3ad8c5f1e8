"""apply waits for the site."""

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from terraform.building import wait_for_site
from terraform.errors import CannotDeploy


@contextmanager
def serving_tls(folder: Path, faults: int) -> Iterator[int]:
    """The port of a site with a self-signed certificate, which answers 502 the first times."""
    left = [faults]

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(502 if left[0] > 0 else 200)
            left[0] -= 1
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    files = ["-subj", "/CN=localhost", "-keyout", f"{folder}/key", "-out", f"{folder}/certificate"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
def test_site_is_waited_for(tmp_path: Path) -> None:
    """A self-signed certificate is accepted for an IP address, but not for a name."""
    with serving_tls(tmp_path, faults=1) as port:
        with pytest.raises(CannotDeploy, match=r"after 0 s \(HTTP 502"):
            wait_for_site(f"https://127.0.0.1:{port}", time.monotonic())
        wait_for_site(f"https://127.0.0.1:{port}", time.monotonic() + 10)
        with pytest.raises(CannotDeploy, match="every 20 minutes until the A record"):
            wait_for_site(f"https://localhost:{port}", time.monotonic())
