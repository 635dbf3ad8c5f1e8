"""The instance metadata service, version 2 alone, as the hosts' AWS clients ask it for credentials.

    python -m tests.rehearsal.metadata ADDRESS

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html. A call
without a session token is refused, as the plan demands of each host.
"""

import json
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

ROLE = "/latest/meta-data/iam/security-credentials/"
CREDENTIALS = {
    "Code": "Success",
    "Type": "AWS-HMAC",
    "AccessKeyId": "test",
    "SecretAccessKey": "test",
    "Token": "test",
    "LastUpdated": "2026-01-01T00:00:00Z",
    "Expiration": "2046-01-01T00:00:00Z",
}


class Metadata(BaseHTTPRequestHandler):
    """One request; tokens are known to the class."""

    tokens: ClassVar[set[str]] = set()

    def do_PUT(self) -> None:
        """Give a token."""
        if self.path != "/latest/api/token":
            return self._answer(404)
        token = secrets.token_hex(16)
        self.tokens.add(token)
        self._answer(200, token)

    def do_GET(self) -> None:
        """The role's name, then its credentials."""
        if self.headers.get("X-aws-ec2-metadata-token") not in self.tokens:
            self._answer(401)
        elif self.path == ROLE:
            self._answer(200, "host")
        elif self.path == f"{ROLE}host":
            self._answer(200, json.dumps(CREDENTIALS))
        else:
            self._answer(404)

    def _answer(self, status: int, text: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], 80), Metadata).serve_forever()
