"""The worker's other duty: it draws the reports that the API has ordered."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import redis

from pneumonia_api.records.desk import DOCUMENT, Desk, NotDrawn, Order
from pneumonia_api.records.image_files import ImageStoreUnavailable
from pneumonia_api.records.images import ImageMissing, ImageStore
from pneumonia_api.records.record import XrayMissing
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.site import Site
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.report.gathering import (
    NotReported,
    Report,
    ResultWithheld,
    StudyUnknown,
    gather,
)
from pneumonia_api.report.words import put_into_words
from pneumonia_api.worker.metrics import REPORTS

log = logging.getLogger(__name__)

PAUSE_SECONDS = 2
"""Until the next try when Redis does not answer."""


def keep_drawing(client: redis.Redis, images: ImageStore, ended: threading.Event) -> None:
    """Draw reports, one after another, until `ended`.

    In a thread of its own: a reader waits for it, while X-rays may wait in the queue.
    """
    desk, office = Desk(client), DrawingOffice(client, images)
    while not ended.is_set():
        try:
            desk.serve(office.draw)
        except redis.RedisError as error:
            log.warning("Redis does not answer, so no report is drawn: %s", error)
            ended.wait(PAUSE_SECONDS)


_PASSING = (
    *(XrayMissing, NotReported, ResultWithheld, StudyUnknown),
    *(ImageMissing, ImageStoreUnavailable),
)
"""What may have happened since the API looked: deleted, withdrawn, silenced, or out of reach."""


class DrawingOffice:
    """Draws what is ordered."""

    def __init__(self, client: redis.Redis, images: ImageStore) -> None:
        self._xrays = XrayStore(client)
        self._site = Site(client)
        self._served = ServedModel(client)
        self._images = images
        self._forms: dict[str, Callable[[Report, Order, bytes], bytes]] = {
            "pdf": _draw_pdf,
            "sr.dcm": _draw_structured,
            "sc.dcm": _draw_capture,
            "gsps.dcm": _draw_presentation,
            "pm.dcm": _draw_map,
        }

    def draw(self, order: Order) -> bytes:
        """The report of an order. Raises NotDrawn."""
        if order.form == DOCUMENT:
            with REPORTS.labels(order.form).time():
                return _draw_document(order)
        draw = self._forms.get(order.form)
        if not draw:
            raise NotDrawn("an API of another release knows more forms")
        try:
            with REPORTS.labels(order.form).time():
                return draw(self._gather(order), order, self._images.read_preview(order.id))
        except _PASSING as error:
            log.warning("a report was not drawn: %s", type(error).__name__)
            raise NotDrawn(order.form) from error

    def _gather(self, order: Order) -> Report:
        statements = self._site.list_prevalences()
        return gather(
            self._xrays.get(order.id),
            silent=order.silent,
            prevalence=statements[0] if statements else None,
            model=self._served.get(),
        )


# Pillow, pydicom, highdicom and fpdf2 take 75 MB, so only a worker that has to draw loads them.
# ruff: noqa: PLC0415


def _draw_document(order: Order) -> bytes:
    from pneumonia_api.report.document import decode
    from pneumonia_api.report.document_pdf import draw_document

    return draw_document(decode(order.content or {}))


def _draw_pdf(report: Report, order: Order, preview: bytes) -> bytes:
    from pneumonia_api.report.pdf import draw_pdf

    made = datetime.now(UTC)
    rows = report.prediction.heatmap if report.prediction else None
    return draw_pdf(put_into_words(report, order.language, made), preview, rows, made)


def _draw_capture(report: Report, order: Order, preview: bytes) -> bytes:
    from pneumonia_api.report.capture import write_capture
    from pneumonia_api.report.dicom import find_origin, require

    del order  # it has no words but the label, which is English as all labels of its kind
    return write_capture(report, require(report), preview, find_origin(report))


def _draw_structured(report: Report, order: Order, preview: bytes) -> bytes:
    from pneumonia_api.report.capture import capture
    from pneumonia_api.report.dicom import find_origin, require
    from pneumonia_api.report.structured import write_structured

    del order
    origin = find_origin(report)
    image = capture(report, require(report), preview, origin)
    return write_structured(report, require(report), image, origin)


def _draw_presentation(report: Report, order: Order, preview: bytes) -> bytes:
    from pneumonia_api.report.dicom import find_origin, require
    from pneumonia_api.report.presentation import write_presentation

    del order, preview  # it is drawn over the film by whoever has that
    return write_presentation(report, require(report), find_origin(report))


def _draw_map(report: Report, order: Order, preview: bytes) -> bytes:
    from pneumonia_api.report.capture import capture
    from pneumonia_api.report.dicom import find_origin, require
    from pneumonia_api.report.parametric_map import write_map

    del order
    origin = find_origin(report)
    image = capture(report, require(report), preview, origin)
    return write_map(report, require(report), image, origin)
