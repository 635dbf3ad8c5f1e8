"""A log-in by the provider through the API, without the pages."""

from apiflask import APIFlask
from werkzeug.test import TestResponse

from tests.oidc.running import RunningProvider


def begin(app: APIFlask, **options: object) -> dict[str, str]:
    """Begin a log-in: `url` and `state`."""
    answer = app.test_client().post("/v1/sessions/oidc", json=options)
    assert answer.status_code == 201, answer.json
    return dict(answer.json or {})


def finish(app: APIFlask, brought: dict[str, str]) -> TestResponse:
    """Finish it with what the provider sent back."""
    sent = {name: brought[name] for name in ("state", "code", "iss") if name in brought}
    return app.test_client().post("/v1/sessions/oidc/code", json=sent)


def log_in(
    app: APIFlask, provider: RunningProvider, subject: str, **options: object
) -> TestResponse:
    """The whole way round."""
    return finish(app, provider.log_in(begin(app, **options)["url"], subject))


def ask(app: APIFlask, token: str, method: str, path: str, **options: object) -> TestResponse:
    """Call the API with the token of a session."""
    headers = {"Authorization": f"Bearer {token}"}
    return app.test_client().open(path, method=method, headers=headers, **options)
