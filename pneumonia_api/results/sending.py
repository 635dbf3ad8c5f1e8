"""Sends objects to a PACS by C-STORE, and says what it answered."""

import io
import logging
import ssl
import threading
import time
from collections.abc import Sequence

from pydicom import Dataset, dcmread
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE
from pynetdicom.association import Association

from pneumonia_api.peers import Called

NOT_SUPPORTED = 0x0122
"""The status for an object whose class the PACS did not accept (PS3.7, annex C)."""

UNCOMPRESSED = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
PAUSE_SECONDS = 3
"""After a try that reached nobody, others do not try: each would wait for its timeout, too."""

log = logging.getLogger(__name__)


class Unsent(RuntimeError):
    """Nothing was sent, or not everything, and a later try may succeed; `answer` says why."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


class Refused(RuntimeError):
    """The PACS refuses an object for good; `answer` is its status, such as 0xA900."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


class ResultSender:
    """Sends to one PACS."""

    def __init__(
        self, title: str, called: Called, timeout: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self._called = called
        self.title = called.title
        self._ae = AE(title)
        for name in ("acse_timeout", "dimse_timeout", "network_timeout", "connection_timeout"):
            setattr(self._ae, name, timeout)
        self._ae.add_requested_context(Comprehensive3DSRStorage, UNCOMPRESSED)
        # Two contexts: with one, the PACS would choose, and might choose to have it decoded.
        self._ae.add_requested_context(SecondaryCaptureImageStorage, JPEGBaseline8Bit)
        self._ae.add_requested_context(SecondaryCaptureImageStorage, UNCOMPRESSED)
        self._tls = tls
        self._lock = threading.Lock()
        self._away_until = 0.0

    def send(self, files: Sequence[bytes]) -> None:
        """Send files in one association, in this order. Raises Unsent or Refused.

        One that was sent before replaces itself, by its SOP Instance UID.
        """
        association = self._associate()
        try:
            answers = [_store(association, dcmread(io.BytesIO(file))) for file in files]
        finally:
            if association.is_established:
                association.release()
        for answer in answers:
            if answer:
                raise Refused(answer)

    def _associate(self) -> Association:
        with self._lock:
            if time.monotonic() < self._away_until:
                raise Unsent("away")
        try:
            association = self._ae.associate(
                self._called.host,
                self._called.port,
                ae_title=self._called.title,
                tls_args=(self._tls, self._called.host) if self._tls else None,
            )
        except OSError:
            raise self._note_away("away") from None  # the name of its host is not known
        if not association.is_established:
            raise self._note_away("rejected" if association.is_rejected else "away")
        return association

    def _note_away(self, answer: str) -> Unsent:
        with self._lock:
            self._away_until = time.monotonic() + PAUSE_SECONDS
        return Unsent(answer)


def _store(association: Association, dataset: Dataset) -> str | None:
    """None once the PACS has it, else the status by which it refuses it. Raises Unsent."""
    accepted = {
        syntax
        for context in association.accepted_contexts
        if context.abstract_syntax == dataset.SOPClassUID
        for syntax in context.transfer_syntax
    }
    if not accepted:
        return f"0x{NOT_SUPPORTED:04X}"
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and syntax not in accepted:
        dataset.decompress()
    if not association.is_established:
        raise Unsent("aborted")
    status = association.send_c_store(dataset).get("Status")
    if status is None:
        raise Unsent("no_answer")
    if status == 0 or status & 0xF000 == 0xB000:  # a warning: it is stored, and was coerced
        return None
    if status & 0xFF00 == 0xA700:
        raise Unsent(f"0x{status:04X}")
    return f"0x{status:04X}"
