"""The task: send the result of one X-ray to the PACS, again and again until it has it."""

import logging
from datetime import UTC, datetime
from typing import Any

import redis
from celery import Task

from pneumonia_api.audit.events import SYSTEM, Action, Event, record
from pneumonia_api.records.desk import Desk, DeskUnattended, NotDrawn, Order
from pneumonia_api.records.outbox import TASK, Outbox, find_reported, state_now
from pneumonia_api.records.record import XrayMissing, XrayRecord
from pneumonia_api.records.site import Site
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.report.gathering import NotReported, gather
from pneumonia_api.results.metrics import TRIES
from pneumonia_api.results.sending import Refused, ResultSender, Unsent

log = logging.getLogger(__name__)

FORMS = ("sc.dcm", "sr.dcm")
"""The picture first: the structured report refers to it."""

DRAW_SECONDS = 30.0
"""How long a worker may take to draw one; it judges X-rays meanwhile."""

MAX_PAUSE_SECONDS = 60


class SendResult(Task):
    """`send_result(id)`: nothing for a result that is sent, refused or withheld.

    While the PACS is away it is tried again without end, after 4, 8, 16 seconds and so on, at most
    a minute apart.
    """

    name = TASK
    acks_late = True
    ignore_result = True
    max_retries = None
    autoretry_for = (Exception,)
    retry_backoff = 4
    retry_backoff_max = MAX_PAUSE_SECONDS
    retry_jitter = False

    def __init__(self, client: redis.Redis, outbox: Outbox, sender: ResultSender) -> None:
        self._xrays = XrayStore(client)
        self._desk = Desk(client)
        self._site = Site(client)
        self._outbox = outbox
        self._sender = sender

    def run(self, xray_id: str) -> None:
        """Send the result with the last reading that stands, if it is to be sent. Raises Unsent."""
        try:
            xray = self._xrays.get(xray_id)
        except XrayMissing:
            self._outbox.forget(xray_id)
            return
        if not xray.transmission or xray.transmission.status != "pending":
            return
        reading = find_reported(xray)
        number = max(xray.transmission.reading, reading.number if reading else 0)
        if reason := self._find_reason(xray):
            self._settle(xray_id, "withheld", number, reason)
            return
        try:
            self._send(xray_id)
        except Unsent as error:
            self._settle(xray_id, "pending", number, error.answer)
            raise
        except Refused as error:
            self._settle(xray_id, "refused", number, error.answer)
        else:
            self._settle(xray_id, "sent", number, None)

    def _find_reason(self, xray: XrayRecord) -> str | None:
        """Why the result is to be shown to nobody, as on the page; None if it is."""
        try:
            report = gather(xray, silent=self._site.is_silent(), prevalence=None, model=None)
        except NotReported:
            return "withdrawn"
        return report.withheld

    def _send(self, xray_id: str) -> None:
        try:
            files = [
                self._desk.ask(Order(xray_id, form, "en", silent=False), DRAW_SECONDS)
                for form in FORMS
            ]
        except (DeskUnattended, NotDrawn):
            raise Unsent("not_drawn") from None
        self._sender.send(files)

    def _settle(self, xray_id: str, status: str, number: int, answer: str | None) -> None:
        def audit(pipe: redis.client.Pipeline) -> None:
            if status == "sent":  # also where the record is gone by now: it was sent
                about = self._sender.title
                record(pipe, Event(Action.EXPORT_REPORT, SYSTEM, xray=xray_id, about=about))

        self._outbox.settle(xray_id, state_now(status, number, datetime.now(UTC), answer), audit)
        TRIES.labels(status).inc()
        fields = {"xray": xray_id, "status": status, **({"answer": answer} if answer else {})}
        log.info("a result", extra={"fields": fields})

    def on_retry(
        self, exc: Exception, task_id: str, args: tuple[str], kwargs: dict[str, Any], einfo: Any
    ) -> None:
        """Log what is no answer of the PACS."""
        del task_id, kwargs, einfo
        if not isinstance(exc, Unsent):
            fields = {"xray": args[0], "cause": type(exc).__name__}
            log.warning("a result is tried again", extra={"fields": fields})
