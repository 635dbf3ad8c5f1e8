"""The application entity: C-ECHO and C-STORE from listed peers, handed on to the API.

The answer to a C-STORE waits for that of the API: success means that the object is stored durably.
"""

import logging
import secrets
import ssl
import threading
from typing import cast

from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at run time

from model.reading.dicom.accepted import SOP_CLASSES, TRANSFER_SYNTAXES
from pneumonia_api.config import NodeConfig
from pneumonia_api.node.metrics import ASSOCIATIONS, OBJECTS, OPEN
from pneumonia_api.node.objects import Damaged, Unlike, make_file
from pneumonia_api.node.sending import REFUSED, UNLIKE, Outcome, Sender
from pneumonia_api.node.server import NodeServer
from pneumonia_api.peers import is_listed

log = logging.getLogger(__name__)

COMMAND_BYTES = 64 * 1024
"""Far more than the command of a message takes beside its data set."""

CONNECTIONS = 4
"""Connections for each association that may be open: some are rejected, some only probe."""

UNKNOWN = (0x01, 0x01, 0x03)
FULL = (0x02, 0x03, 0x02)
"""Rejections (PS3.8, table 9-21): permanent, the calling title is not recognised; transient, a
local limit is exceeded."""

_current = threading.local()


def find_association_id() -> str | None:
    """A random id of the association that this thread serves, for its log lines."""
    return getattr(_current, "id", None)


class Node:
    """The entity, once `start` was called."""

    def __init__(self, config: NodeConfig, sender: Sender, tls: ssl.SSLContext | None) -> None:
        self._config = config
        self._sender = sender
        self._ae = AE(config.ae_title)
        self._ae.require_called_aet = True
        # Its own count includes connections that have asked for nothing yet, such as probes.
        self._ae.maximum_associations = CONNECTIONS * config.max_associations
        timeouts = ("acse_timeout", "dimse_timeout", "network_timeout")
        for name in timeouts:
            setattr(self._ae, name, config.timeout)
        self._ae.add_supported_context(Verification)
        for sop_class in SOP_CLASSES:
            self._ae.add_supported_context(UID(sop_class), list(map(UID, TRANSFER_SYNTAXES)))
        self._tls = tls
        self._received: dict[Association, int] = {}

    def start(self) -> NodeServer:
        """Listen; `serve_forever` of the server then takes connections. Raises OSError."""
        made = self._ae.make_server(
            (self._config.host, self._config.port),
            evt_handlers=[
                (evt.EVT_REQUESTED, self._check_peer),
                (evt.EVT_ACCEPTED, self._note_accepted),
                (evt.EVT_REJECTED, self._note_rejected),
                (evt.EVT_ABORTED, self._note_aborted),
                (evt.EVT_CONN_CLOSE, self._note_closed),
                (evt.EVT_PDU_RECV, self._bound_message),
                (evt.EVT_C_STORE, self._store),
            ],
            ssl_context=self._tls,
            server_class=NodeServer,
        )
        server = cast(NodeServer, made)
        server.max_connections = CONNECTIONS * self._config.max_associations
        self._ae._servers.append(server)  # as `AE.start_server` does, for `AE.shutdown`
        return server

    def _check_peer(self, event: Event) -> None:
        """Reject who is not listed with this title and this address."""
        _current.id = secrets.token_hex(16)
        is_full = len(self._received) >= self._config.max_associations
        if is_listed(*_describe(event), self._config.dicom_peers) and not is_full:
            return
        event.assoc.acse.send_reject(*(FULL if is_full else UNKNOWN))
        self._note_rejected(event)
        event.assoc.kill()  # returns when the rejection was sent

    def _note_accepted(self, event: Event) -> None:
        self._received[event.assoc] = 0
        OPEN.set(len(self._received))
        ASSOCIATIONS.labels("accepted").inc()

    def _note_rejected(self, event: Event) -> None:
        title, address = _describe(event)
        asked = event.assoc.requestor.primitive
        called = str(asked.called_ae_title) if asked else ""
        ASSOCIATIONS.labels("rejected").inc()
        log.warning(
            "rejected an association",
            extra={"fields": {"calling": title, "called": called, "address": address}},
        )

    def _note_aborted(self, event: Event) -> None:
        ASSOCIATIONS.labels("aborted").inc()
        title, address = _describe(event)
        log.warning(
            "an association was aborted", extra={"fields": {"calling": title, "address": address}}
        )

    def _note_closed(self, event: Event) -> None:
        self._received.pop(event.assoc, None)
        OPEN.set(len(self._received))

    def _bound_message(self, event: Event) -> None:
        """Abort when one message is larger than any upload may be."""
        if not isinstance(event.pdu, P_DATA_TF) or event.assoc not in self._received:
            return
        self._received[event.assoc] += len(event.pdu)
        if self._received[event.assoc] > self._config.max_body_bytes + COMMAND_BYTES:
            log.warning("an object is larger than the limit")
            self._received.pop(event.assoc)
            OBJECTS.labels(REFUSED.word).inc()
            event.assoc.abort(block=False)

    def _store(self, event: Event) -> int:
        """Hand one object on; the status of the C-STORE."""
        self._received[event.assoc] = 0
        title, address = _describe(event)
        outcome = self._send(event, title)
        OBJECTS.labels(outcome.word).inc()
        log.info(
            "received an object",
            extra={
                "fields": {
                    "calling": title,
                    "address": address,
                    "outcome": outcome.word,
                    "status": f"0x{outcome.status:04X}",
                }
            },
        )
        return outcome.status

    def _send(self, event: Event, title: str) -> Outcome:
        try:
            file = make_file(event)
        except Damaged:
            return REFUSED
        except Unlike:
            return UNLIKE
        return self._sender.send(file, title)


def _describe(event: Event) -> tuple[str, str]:
    """The title and the address of the other side."""
    requestor = event.assoc.requestor
    title = str(requestor.primitive.calling_ae_title) if requestor.primitive else ""
    return title, str(requestor.address)
