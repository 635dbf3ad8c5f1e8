"""The web's application factory.

`app` is built on first access (`gunicorn app:app`), so importing `create_app` reads no settings.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel.speaklater import LazyString
from flask_wtf.csrf import CSRFError, CSRFProtect
from gunicorn.http.errors import ParseException
from jinja2 import TemplateError
from werkzeug.exceptions import BadRequest, HTTPException, RequestTimeout, UnsupportedMediaType
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BuildError

from monitoring.logs.lines import write_lines
from monitoring.logs.requests import find_request_id, follow_requests, note
from monitoring.metrics.exposition import mount_metrics
from monitoring.metrics.release import expose_release
from pneumonia_web.about import about
from pneumonia_web.acceptance import acceptance
from pneumonia_web.api_client import ApiError
from pneumonia_web.assets import read_assets, serve_assets
from pneumonia_web.audit import audit
from pneumonia_web.blinding import hides_results, judge_for_reader, reads_first
from pneumonia_web.config import read_config
from pneumonia_web.deletions import deletions
from pneumonia_web.earlier import earlier
from pneumonia_web.factor import factor
from pneumonia_web.formats import decimal, grouped, percent, say_day, say_moment, say_time
from pneumonia_web.heat import say_strongest
from pneumonia_web.joining import joining
from pneumonia_web.keys import machine_keys
from pneumonia_web.language import N_, gettext, make_script_texts, serve_languages, translate
from pneumonia_web.listing import ORDERS, TABS, read_place
from pneumonia_web.lists import lists
from pneumonia_web.locking import locking
from pneumonia_web.metrics import REQUESTS
from pneumonia_web.models import models
from pneumonia_web.models_client import ModelsClient
from pneumonia_web.people import people
from pneumonia_web.preferences import preferences
from pneumonia_web.provider import provider
from pneumonia_web.readings import readings
from pneumonia_web.reasons import translate_reason
from pneumonia_web.reports import reports
from pneumonia_web.rules import serve_rules
from pneumonia_web.sentences import translate_record
from pneumonia_web.site import find_worth, say_ill, say_interval, site
from pneumonia_web.studies import BASES, OUTCOMES, studies
from pneumonia_web.typography import keep_units_of_page
from pneumonia_web.uploads import uploads
from pneumonia_web.verdict import FINDINGS, READINGS, name_patient
from pneumonia_web.views import ask_to_log_in, pages, refreshes_part, wants_json
from webserver.body import TooManySenders, TooSlow
from webserver.forwarded import TrustedProxyHeaders, comes_from
from webserver.host import KnownHost

__all__ = ["create_app", "percent"]

STATIC = Path(__file__).parent / "static"

FORM_BYTES = 64 * 1024
"""Limit of a form without its file: the reference, the CSRF token, the headers of the parts."""

SENTENCES = {
    404: N_("There is no page at this address."),
    405: N_("This address does not accept that method."),
    413: N_(
        "The file is larger than {max_mb} MB; export the X-ray at a lower resolution, or as JPEG."
    ),
    408: N_("The upload was too slow and was stopped; send it again."),
    500: N_("Something went wrong on our side; it was logged. Try again."),
}

# What rendering may raise: a template that is wrong or unreadable, an unknown route.
PAGE_FAULTS = (TemplateError, BuildError, RuntimeError, LookupError, TypeError, ValueError, OSError)

# Everything is loaded from this server and nothing is inline; images may come from memory (blob:).
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    # The path has the id of an X-ray and the query a search text: neither may reach a log.
    "Referrer-Policy": "strict-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app(overrides: Mapping[str, str] | None = None) -> Flask:
    """Build the web from `overrides`, the environment and `var/env`; raises ConfigError."""
    config = read_config(overrides)
    app = Flask(__name__, static_folder=None)
    REQUESTS.watch(app)
    app.config.update(
        DEBUG=False,  # with FLASK_DEBUG an exception would reach gunicorn past the error handlers
        SECRET_KEY=config.secret_key,
        READS_FIRST=config.reads_first,
        HAS_PROVIDER=bool(config.oidc_issuer),
        HAS_PASSWORDS=not config.break_glass_admin,
        IDLE_MINUTES=config.idle_minutes,
        MAX_FILE_BYTES=config.max_body_bytes,
        MAX_CONTENT_LENGTH=config.max_body_bytes + FORM_BYTES,
        # Else the answer to a refresh could overwrite a later cookie.
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=config.session_seconds),
        SESSION_COOKIE_NAME="pneumonia_session",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.cookie_secure,
        WTF_CSRF_TIME_LIMIT=None,  # valid as long as the session: a worklist stays open all day
    )
    app.jinja_env.globals.update(
        new_key=partial(secrets.token_hex, 16),
        max_body_mb=config.max_body_bytes >> 20,
        max_megapixels=config.max_pixels // 1_000_000,
        # Their defaults are in the catalogue; what a site has written is shown as it is.
        service_name=LazyString(translate, config.service_name),
        site_name=config.site_name,
        site_contact=config.site_contact,
        environment_badge=LazyString(translate, config.environment_badge),
        provider_name=LazyString(translate, config.oidc_name),
        findings=FINDINGS,
        reading_words=READINGS,
        find_worth=find_worth,
        outcome_words=OUTCOMES,
        outcome_bases=BASES,
        reads_first=reads_first,
        hides_results=hides_results,
        read_place=read_place,
        tabs=TABS,
        orders=ORDERS,
        say_time=say_time,
    )
    app.jinja_env.filters.update(
        percent=percent,
        say_ill=say_ill,
        say_interval=say_interval,
        moment=datetime.fromisoformat,
        strongest=say_strongest,
        recorded=translate_record,
        reason=translate_reason,
        decimal=decimal,
        grouped=grouped,
        say_moment=say_moment,
        say_day=say_day,
        verdict=judge_for_reader,
        patient=name_patient,
    )
    app.extensions["api"] = ModelsClient(config.api_url, config.web_key)
    follow_requests(app)
    app.before_request(check_sender)  # before CSRFProtect reads the body
    serve_rules(app, ask_to_log_in)
    CSRFProtect(app)
    working = (pages, uploads, lists, readings, reports, deletions, earlier, studies)
    for each in (
        *working,
        preferences,
        locking,
        provider,
        models,
        about,
        site,
        acceptance,
        people,
        joining,
        factor,
        machine_keys,
        audit,
    ):
        app.register_blueprint(each)
    serve_languages(app)
    serve_assets(app, {**read_assets(STATIC), **make_script_texts()})
    _register_errors(app)
    app.after_request(protect)
    app.after_request(keep_units_of_page)
    expose_release("web")
    mount_metrics(app)
    forwarded = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
    trusted = TrustedProxyHeaders(forwarded, comes_from(config.proxies))
    app.wsgi_app = KnownHost(trusted)  # type: ignore[method-assign]
    return app


def check_sender() -> ResponseReturnValue | None:
    """Require a session for a file upload, and limit every other body to a small form."""
    if request.endpoint != "uploads.send":
        request.max_content_length = FORM_BYTES
        if request.mimetype == "multipart/form-data":
            raise UnsupportedMediaType
    elif "token" not in session:
        return ask_to_log_in()
    return None


def protect(response: Response) -> Response:
    """Add the headers that keep pages out of caches, frames and other sites' logs."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # Whatever does not say that it may be kept may have been made for one person.
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _register_errors(app: Flask) -> None:
    def answer(status: int, sentence: str, retry_after: int | None = None) -> ResponseReturnValue:
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        if refreshes_part():
            # The page keeps its content and shows the sentence above it.
            return sentence, status, {**headers, "Content-Type": "text/plain; charset=utf-8"}
        if wants_json():
            return jsonify(error=sentence), status, headers
        try:
            page = render_template(
                "error.html", status=status, sentence=sentence, request_id=find_request_id()
            )
        except PAGE_FAULTS:
            app.logger.exception("the error page could not be rendered")
            return sentence, status, {**headers, "Content-Type": "text/plain; charset=utf-8"}
        return page, status, headers

    @app.errorhandler(ApiError)
    def answer_api(error: ApiError) -> ResponseReturnValue:
        if error.status == 401:
            return ask_to_log_in()
        note(code=error.code)
        if error.code == "second_factor_needed" and not (refreshes_part() or wants_json()):
            return redirect(url_for("factor.show"), 303)
        return answer(error.status, str(error), error.retry_after)

    @app.errorhandler(CSRFError)
    def answer_csrf(error: CSRFError) -> ResponseReturnValue:
        del error
        # The token is part of the session, so an expired session fails this check first.
        if request.endpoint != "pages.start_session" and "token" not in session:
            return ask_to_log_in()
        return answer(400, gettext("The page was out of date; reload it and try again."))

    @app.errorhandler(HTTPException)
    def answer_http(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        sentence = translate(SENTENCES.get(status, N_("The request could not be read.")))
        if status == 413 and request.max_content_length == FORM_BYTES:
            sentence = gettext("The text in the form is too long; shorten it and send it again.")
        return answer(status, sentence.format(max_mb=app.config["MAX_FILE_BYTES"] >> 20))

    @app.errorhandler(ParseException)
    def answer_malformed(error: ParseException) -> ResponseReturnValue:
        return answer_http(BadRequest(str(error)))

    @app.errorhandler(TooSlow)
    def answer_slow(error: TooSlow) -> ResponseReturnValue:
        return answer_http(RequestTimeout(str(error)))

    @app.errorhandler(TooManySenders)
    def answer_busy(error: TooManySenders) -> ResponseReturnValue:
        del error
        note(code="busy")
        return answer(
            503, gettext("Too many files are arriving at once; try again in 5 seconds."), 5
        )

    @app.errorhandler(OSError)
    def answer_full(error: OSError) -> ResponseReturnValue:
        # An upload is in the folder for temporary files until the API has it; its disk may be full.
        del error
        app.logger.exception("an upload could not be stored")
        note(code="no_room")
        return answer(503, gettext("The file could not be accepted; try again in 30 seconds."), 30)


def __getattr__(name: str) -> Any:
    if name == "app":
        write_lines("web", find_request_id)
        globals()["app"] = create_app()
        return globals()["app"]
    raise AttributeError(name)
