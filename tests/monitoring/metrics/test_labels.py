"""Metric labels never contain what was sent, and nothing that identifies a person."""

import io
import re
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from pneumonia_api.app import create_app as create_api
from pneumonia_api.records.transmission import STATES
from pneumonia_web.app import create_app as create_web
from tests.pneumonia_api.redis_server import running_redis
from tests.scrape import read_families
from tests.stack import free_ports

NUMBER = re.compile(r"\d+(\.\d+)?|\+Inf")
ODD = "DOE^JANE-1970"


def send_odd_requests(app: Flask, headers: dict[str, str]) -> FlaskClient:
    """A name in every part of a request that a person may fill in."""
    web = app.test_client()
    headers = {**headers, "X-Forwarded-For": ODD, "Referer": f"http://x/{ODD}", "User-Agent": ODD}
    for path in (f"/{ODD}", f"/v1/xrays/{ODD}", f"/xrays/{ODD}", f"/static/{ODD}", "/v1/xrays"):
        for method in ("GET", "POST", "PUT", "OPTIONS", "HEAD", ODD):
            web.open(f"{path}?q={ODD}", method=method, headers=headers)
    web.post(
        "/v1/xrays",
        data={"xray": (io.BytesIO(ODD.encode()), f"{ODD}.dcm"), "reference": ODD, ODD: ODD},
        headers=headers,
    )
    web.post("/v1/sessions", json={"user": ODD, "password": ODD}, headers=headers)
    web.post("/login", data={"user": ODD, "password": ODD}, headers=headers)
    return web


def check_labels(app: Flask, text: str, others: str) -> None:
    """Every value of every label is from a closed set.

    Metrics of `others` are left out: they are of the same process, in which more tests may run.
    """
    statuses = {"queued", "done", "rejected", "failed", *STATES}
    words = {
        "method": {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "unknown"},
        "route": {str(rule) for rule in app.url_map.iter_rules()} | {"unknown"},
        "outcome": {"accepted", "reused", "refused", "unavailable"}
        | {"ok", "wrong_password", "locked_out", "away"},
        "service": {"api", "web", "worker"},
        "release": {"working copy"},
    }
    seen = set()
    for family in read_families(text):
        if re.search(others, family.name):
            continue
        for sample in family.samples:
            for label, value in sample.labels.items():
                seen.add(label)
                if label not in ("le", "status") or not NUMBER.fullmatch(value):
                    assert value in words.get(label, statuses), sample
    assert {"method", "route", "status"} <= seen


def test_api_labels_are_a_closed_set(tmp_path: Path) -> None:
    """Also for unknown methods, routes, files, users and addresses."""
    with running_redis(free_ports()["REDIS_PORT"], tmp_path) as url:
        app = create_api({"REDIS_URL": url, "API_KEY": "k", "IMAGE_STORE": tmp_path.as_uri()})
        text = send_odd_requests(app, {"Authorization": "Bearer k"}).get("/metrics").text
    assert "DOE" not in text
    check_labels(app, text, "_(web|worker|dicom|results)_")


def test_web_labels_are_a_closed_set() -> None:
    """A form without token, missing static files, an API that does not respond."""
    app = create_web({"API_URL": "http://127.0.0.1:1", "SECRET_KEY": "s", "COOKIE_SECURE": "1"})
    text = send_odd_requests(app, {}).get("/metrics").text
    assert "DOE" not in text
    check_labels(app, text, "_(api|worker|dicom|results)_")
    assert 'route="/login",status="400"' in text  # refused before any view, and counted
