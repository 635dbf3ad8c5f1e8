"""Log-in by `oidc-provider` of npm, which the OpenID Foundation has certified.

`npm ci --prefix tests/oidc/certified` brings it; without it these tests are skipped.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import redis
import requests
from apiflask import APIFlask

from pneumonia_api.app import create_app
from tests.oidc.flow import ask, begin, finish
from tests.oidc.running import write_settings
from tests.pneumonia_api.errors import check_error
from tests.stack import ROOT, free_ports

FOLDER = ROOT / "tests" / "oidc" / "certified"
PUBLIC_URL = "https://xray.hospital.example"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of the provider."""
    node = shutil.which("node")
    if not node or not (FOLDER / "node_modules").is_dir():
        pytest.skip("no certified provider; `npm ci --prefix tests/oidc/certified` brings it")
    port = free_ports(["OIDC"])["OIDC"]
    addresses = (f"{PUBLIC_URL}/login/oidc/callback", f"{PUBLIC_URL}/login")
    command = [node, str(FOLDER / "provider.mjs"), str(port), *addresses]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        process.wait(10)


@pytest.fixture
def app(client: redis.Redis, redis_url: str, tmp_path: Path, issuer: str) -> APIFlask:
    """The API with that provider."""
    del client
    own = {"REDIS_URL": redis_url, "API_KEY": "k", "IMAGE_STORE": tmp_path.as_uri()}
    return create_app({**own, **write_settings(issuer, PUBLIC_URL)})


def walk(url: str, subject: str) -> dict[str, str]:
    """Log in and consent on the provider's pages; what it sends back."""
    with requests.Session() as session:
        page = session.get(url, timeout=20)
        for _ in range(4):
            action = re.search(r'action="([^"]+)"', page.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', page.text)
            assert action and prompt, page.text
            form = {"prompt": prompt[1], "login": subject, "password": "x"}
            address = urljoin(page.url, action[1])
            page = session.post(address, data=form, allow_redirects=False, timeout=20)
            while page.is_redirect:
                location = urljoin(page.url, page.headers["Location"])
                if location.startswith(PUBLIC_URL):
                    found = parse_qs(urlsplit(location).query)
                    return {name: values[0] for name, values in found.items()}
                page = session.get(location, allow_redirects=False, timeout=20)
    raise AssertionError("the provider sent nobody back")


@pytest.mark.parametrize("again", [False, True])
def test_round_by_the_certified_provider(app: APIFlask, issuer: str, again: bool) -> None:
    """With PKCE, the roles of UserInfo, `iss` in the answer, and a fresh log-in where asked for."""
    brought = walk(begin(app, again=again)["url"], "s-anna")
    assert brought["iss"] == issuer
    opened = finish(app, brought)
    assert opened.status_code == 201, opened.json
    assert (opened.json["user"], opened.json["roles"]) == ("anna (SSO)", ["clinician"])
    check_error(finish(app, brought), 401, "log_in_stale")
    out = ask(app, opened.json["token"], "DELETE", "/v1/sessions/current").json["url"]
    page = requests.get(out, timeout=20)
    assert page.status_code == 200 and f"{issuer}/session/end" in page.text


def test_what_the_certified_provider_and_this_site_refuse(app: APIFlask) -> None:
    """A code of another log-in, somebody without a role, and the answer of another provider."""
    mine, other = begin(app), walk(begin(app)["url"], "s-anna")
    check_error(finish(app, {**other, "state": mine["state"]}), 403, "provider_refused")
    check_error(finish(app, walk(begin(app)["url"], "s-stranger")), 403, "no_known_role")
    brought = walk(begin(app)["url"], "s-anna")
    misled = {**brought, "iss": "https://evil.example"}
    check_error(finish(app, misled), 403, "token_refused")
