"""The logs of the running system: one request end to end, and no text that a person typed."""

import json
import socket
from pathlib import Path

import requests

from monitoring.logs.requests import HEADER
from tests.monitoring.logs.test_reading import read_until, reader
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack

TYPED = "Jane-Telling"


def test_request_is_followed_through_all_services_and_nothing_typed_is_logged(
    stack: Stack, samples: list[Path]
) -> None:
    """Web, API and worker log nginx's id; no log has reference, name or search text."""
    visitor = Visitor(stack.url)
    visitor.log_in(TYPED, TYPED)
    visitor.log_in(stack.user, stack.password)
    data = samples[3].read_bytes() + b"followed"
    answer = visitor.post(
        f"/xrays?{TYPED}",
        "/xrays",
        files={"xray": (f"{TYPED}.jpeg", data)},
        data={"reference": TYPED},
        allow_redirects=False,
    )
    assert answer.status_code == 303
    request, xray = answer.headers[HEADER], answer.headers["Location"].rpartition("/")[2]

    # By every way that ends in a log: refused, unknown, malformed, and by the API itself.
    for path in (f"/xrays?q={TYPED}", f"/xrays/{TYPED}", f"/{TYPED}", f"/static/{TYPED}"):
        visitor.get(path, headers={"Referer": f"{stack.url}/?{TYPED}", "User-Agent": TYPED})
    visitor.post(f"/xrays/{TYPED}/delete", "/xrays")
    claimed = visitor.get("/xrays", headers={HEADER: "a" * 32}).headers[HEADER]
    assert claimed != "a" * 32
    api = f"{stack.api_url}/v1/xrays"
    machine = {**stack.headers, HEADER: TYPED}
    requests.put(
        f"{api}/{xray}/review",
        json={"label": "normal", "note": TYPED},
        headers=machine,
        timeout=10,
    )
    requests.delete(f"{api}/{TYPED}", headers=machine, timeout=10)
    requests.post(
        api,
        files={"xray": (TYPED, TYPED)},
        data={"reference": TYPED * 9},
        headers=machine,
        timeout=10,
    )
    for port in (stack.ports["PORT"], stack.ports["API_PORT"]):
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.send(f"GET /v1/xrays?q={TYPED} {TYPED} HTTP/1.1\r\n\r\n".encode())
            connection.recv(1000)
    visitor.session.close()

    with reader(stack.var / "log", xray) as process:
        read_until(process, f"POST /xrays  request={request}")  # nginx logs after it has answered
    logged = {}
    for file in (stack.var / "log").iterdir():
        text = file.read_text()
        assert TYPED.lower() not in text.lower(), file
        for line in text.splitlines():
            if f'"request": "{request}"' in line:
                fields = json.loads(line)
                logged[file.name] = (fields["service"], fields["message"], fields["status"])
                assert fields.get("xray", xray) == xray
    assert logged == {
        "nginx.log": ("nginx", "POST /xrays", 303),
        "web.log": ("web", "POST /xrays", 303),
        "api.log": ("api", "POST /v1/xrays", 200),
        "worker.log": ("worker", "judged", "done"),
    }
