"""The API's application factory.

`app` is built on first access (`gunicorn app:app`), so importing `create_app` reads no settings.
"""

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import redis
from apiflask import APIFlask
from flask import Response
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from werkzeug.middleware.proxy_fix import ProxyFix

from monitoring.logs.lines import write_lines
from monitoring.logs.requests import find_request_id, follow_requests
from monitoring.metrics.exposition import mount_metrics
from monitoring.metrics.release import expose_release
from pneumonia_api import schemas, views
from pneumonia_api.acceptances import acceptances
from pneumonia_api.accounts import Accounts
from pneumonia_api.audit.requests import register_audit
from pneumonia_api.auditing import auditing
from pneumonia_api.cli import users
from pneumonia_api.config import MAX_WAITERS, Config, read_config
from pneumonia_api.deletions import deletions
from pneumonia_api.dicomweb import dicomweb
from pneumonia_api.directory import Directory
from pneumonia_api.errors import register_errors
from pneumonia_api.factors import factors
from pneumonia_api.key_commands import machine_keys
from pneumonia_api.labelling import labelling
from pneumonia_api.links import Links
from pneumonia_api.machines import machines
from pneumonia_api.memory import MEMORY_BYTES, MemoryBudget
from pneumonia_api.metrics import REQUESTS, count_outcome
from pneumonia_api.models import models
from pneumonia_api.oidc import oidc
from pneumonia_api.people import people
from pneumonia_api.probes import probes
from pneumonia_api.provider import Provider
from pneumonia_api.provider_config import find_provider
from pneumonia_api.provider_people import ProviderPeople
from pneumonia_api.readings import readings
from pneumonia_api.records import admission, sent
from pneumonia_api.records.confirming import Outcomes
from pneumonia_api.records.deletions import Deletions
from pneumonia_api.records.desk import Desk
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.machine_keys import MachineKeys
from pneumonia_api.records.models import Models
from pneumonia_api.records.outbox import Outbox
from pneumonia_api.records.plans import Plans
from pneumonia_api.records.profiles import Profiles
from pneumonia_api.records.publishing import create_queue
from pneumonia_api.records.reviews import Reviews
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.site import Site
from pneumonia_api.records.workers import Workers
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.records.xrays import BLOCK_SECONDS, XrayStore
from pneumonia_api.reports import reports
from pneumonia_api.request import FORM_BYTES, ApiRequest
from pneumonia_api.rules import register_rules
from pneumonia_api.second_factor import SecondFactors
from pneumonia_api.sessions import sessions
from pneumonia_api.site import site
from pneumonia_api.site_profiles import site_profiles
from pneumonia_api.store_metrics import StoreMetrics
from pneumonia_api.studies import studies
from webserver.forwarded import TrustedProxyHeaders, has_key
from webserver.host import KnownHost


def create_app(overrides: Mapping[str, str] | None = None) -> APIFlask:
    """Build the API from `overrides`, the environment and `var/env`; raises ConfigError."""
    config = read_config(overrides)
    app = APIFlask(
        __name__,
        title="Pneumonia detection",
        version="1",
        spec_path="/openapi.json",
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type]  # no route for files that there are not
    )
    app.schema_name_resolver = schemas.openapi_name
    REQUESTS.watch(app)
    app.after_request(count_outcome)
    app.request_class = ApiRequest
    app.config.update(
        DEBUG=False,  # with FLASK_DEBUG an exception would reach gunicorn past the error handlers
        API_KEY=config.api_key,
        DICOM_KEY=config.dicom_key,
        MAX_FILE_BYTES=config.max_body_bytes,
        MAX_CONTENT_LENGTH=config.max_body_bytes + FORM_BYTES,
        MAX_PIXELS=config.max_pixels,
        KEEPS_REFERENCES=config.keeps_references,
        HTTP_ERROR_SCHEMA=schemas.ErrorSchema,
        VALIDATION_ERROR_SCHEMA=schemas.ErrorSchema,
    )
    _connect(app, config)
    follow_requests(app)
    register_rules(app)  # before the blueprints, whose checks read the body
    app.register_blueprint(views.v1)
    app.register_blueprint(dicomweb)
    app.register_blueprint(readings)
    app.register_blueprint(reports)
    app.register_blueprint(labelling)
    app.register_blueprint(deletions)
    app.register_blueprint(studies)
    app.register_blueprint(site)
    app.register_blueprint(acceptances)
    app.register_blueprint(site_profiles)
    app.register_blueprint(sessions)
    app.register_blueprint(models)
    app.register_blueprint(oidc)
    app.register_blueprint(people)
    app.register_blueprint(factors)
    app.register_blueprint(machines)
    app.register_blueprint(auditing)
    app.register_blueprint(probes)
    app.cli.add_command(users)
    app.cli.add_command(machine_keys)
    register_errors(app)
    app.after_request(forbid_storing)
    register_audit(app)  # last, so that it is asked first: others count what is answered
    expose_release("api")
    mount_metrics(app, StoreMetrics(config.redis_url))
    # The web forwards the browser's address, by which failed log-ins are counted.
    if not config.web_key:
        app.logger.warning("WEB_KEY is not set: failed log-ins count by the web's own address")
    forwarded = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)
    trusted = TrustedProxyHeaders(forwarded, has_key(config.web_key))
    app.wsgi_app = KnownHost(trusted)  # type: ignore[method-assign]
    return app


def forbid_storing(response: Response) -> Response:
    """Keep whatever does not say otherwise, such as a record, out of every cache."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _connect(app: APIFlask, config: Config) -> None:
    client = redis.Redis.from_url(
        config.redis_url,
        decode_responses=True,
        socket_connect_timeout=2,
        socket_timeout=BLOCK_SECONDS + 2,
        retry=Retry(ConstantBackoff(0.05), 1),  # for a stale connection; callers may retry, too
        health_check_interval=30,
    )
    app.extensions["redis"] = client
    xrays = XrayStore(client)
    app.extensions["xrays"] = xrays
    app.extensions["sent"] = sent.SentUploads(client, xrays)
    app.extensions["admission"] = admission.Admission(client, config.max_queued)
    app.extensions["memory"] = MemoryBudget(max(MEMORY_BYTES, config.max_body_bytes))
    queue = create_queue()
    app.extensions["queue"] = queue
    outbox = Outbox(client, queue) if config.results_to else None
    app.extensions["reviews"] = Reviews(client, outbox)
    app.extensions["site"] = Site(client)
    app.extensions["plans"] = Plans(client)
    app.extensions["profiles"] = Profiles(client)
    app.extensions["outcomes"] = Outcomes(client)
    app.extensions["desk"] = Desk(client)
    app.extensions["deletions"] = Deletions(client, timedelta(days=config.deleted_days))
    app.extensions["worklist"] = Worklist(client)
    app.extensions["workers"] = Workers(client)
    app.extensions["served_model"] = ServedModel(client)
    app.extensions["waiters"] = threading.BoundedSemaphore(MAX_WAITERS)
    app.extensions["models"] = Models(client)
    app.extensions["machine_keys"] = MachineKeys(client)
    accounts = Accounts(client, config.session_seconds, config.break_glass_admin)
    app.extensions["accounts"] = accounts
    app.extensions["second_factors"] = SecondFactors(client, accounts)
    app.extensions["links"] = Links(client, accounts)
    app.extensions["directory"] = Directory(client, accounts)
    settings = find_provider(config)
    app.extensions["provider_people"] = settings and ProviderPeople(
        client, accounts, app.extensions["site"], Provider(settings)
    )
    app.extensions["images"] = ImageStore(config.image_store)


def __getattr__(name: str) -> Any:
    if name == "app":
        write_lines("api", find_request_id)
        globals()["app"] = create_app()
        return globals()["app"]
    raise AttributeError(name)
