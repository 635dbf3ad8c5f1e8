"""The instance metadata service, version 2 only, from which AWS clients get their credentials.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html. A call
without a session token is refused, as the plan requires for each host.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

ROLE = "/latest/meta-data/iam/security-credentials/"
PORT = 80
TOKEN_SECONDS = "X-aws-ec2-metadata-token-ttl-seconds"
"""Header of the token request and its response; clients written in Go require it."""


class MetadataServer(ThreadingHTTPServer):
    """The credentials that STS issued for each host, by the host's address."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        super().__init__((address, PORT), _Request)
        self.credentials: dict[str, Mapping[str, str]] = {}
        self.tokens: set[str] = set()


class _Request(BaseHTTPRequestHandler):
    server: MetadataServer

    def do_PUT(self) -> None:
        """Issue a session token."""
        if self.path != "/latest/api/token":
            return self._answer(404)
        token = secrets.token_hex(16)
        self.server.tokens.add(token)
        self._answer(200, token, {TOKEN_SECONDS: self.headers.get(TOKEN_SECONDS, "21600")})

    def do_GET(self) -> None:
        """Return the role's name, or its credentials."""
        found = self.server.credentials.get(self.client_address[0])
        if self.headers.get("X-aws-ec2-metadata-token") not in self.server.tokens:
            self._answer(401)
        elif found is None or self.path not in (ROLE, f"{ROLE}host"):
            self._answer(404)
        elif self.path == ROLE:
            self._answer(200, "host")
        else:
            self._answer(200, json.dumps({"Code": "Success", "Type": "AWS-HMAC", **found}))

    def _answer(
        self, status: int, text: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the report has what matters."""


@contextmanager
def running_metadata(address: str) -> Iterator[MetadataServer]:
    """Run the service in the caller's namespace."""
    with MetadataServer(address) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
