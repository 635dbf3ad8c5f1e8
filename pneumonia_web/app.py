"""The web's factory.

`app` is built on first access (`gunicorn app:app`), so importing `create_app` reads nothing.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from pneumonia_web.api_client import ApiClient, ApiError
from pneumonia_web.config import read_config
from pneumonia_web.views import ask_to_log_in, pages, wants_json

MAX_DRAINED_BYTES = 256 * 1024 * 1024
"""How much of a refused body is read, so that its sender hears the answer, before it is cut off."""

SENTENCES = {
    404: "There is no page at this address.",
    405: "This address does not take that method.",
    413: "The file is larger than the limit; export the X-ray smaller, or as JPEG.",
    500: "Something went wrong on our side; it was logged. Try again.",
}

# Everything comes from this server and nothing runs inline; images may be drawn from memory.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app(overrides: Mapping[str, str] | None = None) -> Flask:
    """Build the web from `overrides`, the environment and `var/env`; raises ConfigError."""
    config = read_config(overrides)
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=config.secret_key,
        MAX_CONTENT_LENGTH=config.max_body_bytes,
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=config.session_seconds),
        SESSION_COOKIE_NAME="pneumonia_session",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.cookie_secure,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a worklist stays open all day
    )
    app.jinja_env.globals.update(
        max_body_mb=config.max_body_bytes >> 20, max_megapixels=config.max_pixels // 1_000_000
    )
    app.jinja_env.filters.update(percent=percent, moment=datetime.fromisoformat)
    app.extensions["api"] = ApiClient(config.api_url)
    CSRFProtect(app)
    app.register_blueprint(pages)
    _register_errors(app)
    app.after_request(protect)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app


def percent(probability: float) -> str:
    """A probability as a person reads it: whole per cent, and never a flat 0 or 100."""
    if probability < 0.01:
        return "< 1 %"
    if probability > 0.99:
        return "> 99 %"
    return f"{probability * 100:.0f} %"


def protect(response: Response) -> Response:
    """Add the headers that keep the pages and what they show to this browser and this site."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response


def _register_errors(app: Flask) -> None:
    def answer(status: int, sentence: str) -> ResponseReturnValue:
        if wants_json():
            return jsonify(error=sentence), status
        return render_template("error.html", status=status, sentence=sentence), status

    @app.errorhandler(ApiError)
    def answer_api(error: ApiError) -> ResponseReturnValue:
        if error.status == 401:
            return ask_to_log_in()
        if error.status >= 500:
            app.logger.warning("API: %s %s", error.status, error.code)
        return answer(error.status, str(error))

    @app.errorhandler(CSRFError)
    def answer_csrf(error: CSRFError) -> ResponseReturnValue:
        del error
        return answer(400, "The page was too old; reload it and try again.")

    @app.errorhandler(HTTPException)
    def answer_http(error: HTTPException) -> ResponseReturnValue:
        if isinstance(error, RequestEntityTooLarge):
            drain_body()
        status = error.code or 500
        return answer(status, SENTENCES.get(status, "The request could not be read."))


def drain_body() -> None:
    """Read what the sender still sends: closing at once would reset it before it hears the 413."""
    stream, drained = request.environ["wsgi.input"], 0
    while drained < MAX_DRAINED_BYTES and (chunk := stream.read(1 << 20)):
        drained += len(chunk)


def __getattr__(name: str) -> Any:
    if name == "app":
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO")
        globals()["app"] = create_app()
        return globals()["app"]
    raise AttributeError(name)
