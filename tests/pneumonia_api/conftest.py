"""A Redis server and an API of its own for each test that breaks or empties things."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from apiflask import APIFlask
from werkzeug.test import TestResponse

from model.serving.artifact import read_artifact
from model.serving.export import derive_export, is_whole
from pneumonia_api.app import create_app
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.roles import Role
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.cutting_proxy import CuttingProxy, cutting_proxy
from tests.pneumonia_api.records.judged import done
from tests.pneumonia_api.redis_server import running_redis
from tests.stack import ROOT, free_ports


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real, empty server."""
    with running_redis(free_ports()["REDIS_PORT"], tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A connection to the server, emptied first."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def app(client: redis.Redis, redis_url: str, tmp_path: Path) -> APIFlask:
    """The API without a worker."""
    return create_app(
        {
            "REDIS_URL": redis_url,
            "API_KEY": "key-of-the-test",
            "WEB_KEY": "key-of-the-web",
            "IMAGE_STORE": tmp_path.as_uri(),
            "MAX_QUEUED": "3",
        }
    )


@pytest.fixture
def headers() -> dict[str, str]:
    """What a machine sends."""
    return {"Authorization": "Bearer key-of-the-test"}


@pytest.fixture(scope="session")
def whole_export() -> Path:
    """The export of the shipped model; made where there is none yet, which takes half a minute."""
    model, serving = ROOT / "model" / "artifact", ROOT / "var" / "serving"
    artifact = read_artifact(model)
    if not is_whole(artifact, model, serving):
        derive_export(model, serving)
    return serving / artifact.version


@pytest.fixture
def proxy(client: redis.Redis, redis_url: str) -> Iterator[tuple[CuttingProxy, str]]:
    """Between the test's part and Redis; `client` looks at Redis past it."""
    with cutting_proxy(redis_url) as running:
        yield running


@pytest.fixture
def through(proxy: tuple[CuttingProxy, str]) -> Iterator[redis.Redis]:
    """A client as the API has it, by way of the proxy."""
    retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.01), 1)
    with redis.Redis.from_url(proxy[1], decode_responses=True, retry=retry) as connection:
        yield connection


@pytest.fixture
def judged(app: APIFlask) -> XrayRecord:
    """A stored X-ray that the model called pneumonia."""
    xray = done(new_xray("doctor", "d1", "Study 7"))
    app.extensions["xrays"].add(xray)
    return xray


@pytest.fixture
def call(app: APIFlask) -> Call:
    """Call the API as `ann`, a clinician, as `lead`, who has every role, or as `machine`."""
    accounts = app.extensions["accounts"]
    tokens = {"machine": "key-of-the-test"}
    for user, roles in {"ann": (Role.CLINICIAN,), "lead": Role}.items():
        accounts.set_password(user, "correct horse")
        accounts.set_roles(user, roles)
        tokens[user] = accounts.log_in(user, "correct horse", "127.0.0.1")

    def send(user: str, method: str, path: str, **options: object) -> TestResponse:
        headers = {"Authorization": f"Bearer {tokens[user]}"}
        return app.test_client().open(path, method=method, headers=headers, **options)

    return send
